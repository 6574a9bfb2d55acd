"""kill -9 of Children."""

import tempfile
import time

from chaos_lib.common import Failure, report, spread
from chaos_lib.family import Family


def run(arguments, chance):
    """Kills random Children of a Parent and starts them again; the Parent and the others must not care."""
    others, back = [], []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Family(arguments, directory, arguments.children) as family:
            family.start()
            for _ in range(arguments.kills):
                victim = chance.choice(sorted(family.children))
                before = {n: family.exchanges(n) for n in family.children if n != victim}
                start = time.monotonic()
                family.children[victim].kill_lead()
                for number, since in before.items():
                    family.wait_exchanges(number, 2, 10, since)
                    others.append(time.monotonic() - start)
                family.start_child(victim)
                back.append(family.wait_exchanges(victim, 1, 60, since=0))
                family.parent.check_alive()
                time.sleep(chance.uniform(0, arguments.pause))
            reconnects = {n: int(c.row()["reconnects"]) for n, c in family.children.items()}
            family.check_parent_said_no_error()
            checkpoints = family.check_checkpoints()
            summary = family.end()
    figures = {
        "kills": arguments.kills,
        "two_exchanges_of_another_child_s": spread(others),
        "killed_child_exchanges_again_after_s": spread(back),
        "reconnects_of_children_that_were_not_killed": sum(reconnects.values()),
        "parent_updates": summary["updates"],
        "parent_refused_updates": summary["refused_updates"],
        "parent_checkpoints_read": checkpoints,
        "parent_errors": 0,
    }
    report("children", figures)
    if sum(reconnects.values()) != 0:
        raise Failure("a Child that was not killed lost its link")
    if summary["refused_updates"] != 0:
        raise Failure("the Parent refused weights")


def add(subcommands):
    parser = subcommands.add_parser("children", help="kill -9 of random Children", description=run.__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N", help="default: %(default)s")
    parser.add_argument("--children", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--pause", type=float, default=0.1, metavar="SECONDS", help="longest between kills; default: %(default)s"
    )
    parser.set_defaults(fault=run)
