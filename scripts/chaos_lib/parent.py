"""kill -9 of the Parent."""

import tempfile
import time

from chaos_lib.common import Failure, report, spread, wait_until
from chaos_lib.family import Family

PROMISED_S = 10


def run(arguments, chance):
    """Kills the Parent and resumes it at the same port; its Children must train on meanwhile and rejoin."""
    rejoined, down = [], []
    words = ["--checkpoint-every", "50"]
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Family(arguments, directory, arguments.children, parent_words=words) as family:
            family.start()
            state = family.directory / "parent" / "state.safetensors"
            wait_until(state.exists, 60, "the Parent's first checkpoint", 0.01)
            lost = 0
            for _ in range(arguments.kills):
                time.sleep(chance.uniform(0, arguments.pause))
                updates = family.parent.updates()
                family.parent.kill_lead()
                start = time.monotonic()
                family.check_checkpoints()
                rounds = {number: child.updates() for number, child in family.children.items()}
                time.sleep(chance.uniform(0, arguments.down))
                for number, child in family.children.items():
                    wait_until(lambda: child.updates() > rounds[number] + 1, 20, f"child {number} training on", 0.005)
                before = family.all_exchanges()
                family.start_parent(resume=True)
                down.append(time.monotonic() - start)
                lost += max(0, updates - family.parent.updates())
                rejoined += family.rejoin_times(60, before)
            family.check_parent_said_no_error()
            checkpoints = family.check_checkpoints()
            summary = family.end()
    figures = {
        "kills": arguments.kills,
        "children": arguments.children,
        "parent_was_away_s": spread(down),
        "rejoin_s": spread(rejoined),
        "updates_after_the_last_checkpoint_lost": lost,
        "parent_updates": summary["updates"],
        "parent_refused_updates": summary["refused_updates"],
        "checkpoints_read": checkpoints,
        "checkpoints_unreadable": 0,
    }
    report("parent", figures, {"rejoin_s": f"p99 {PROMISED_S}"})
    if spread(rejoined)["p99"] > PROMISED_S:
        raise Failure(f"Children did not rejoin within {PROMISED_S} s")
    if summary["refused_updates"] != 0:
        raise Failure("the Parent refused weights")


def add(subcommands):
    parser = subcommands.add_parser("parent", help="kill -9 of the Parent, then --resume", description=run.__doc__)
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="default: %(default)s")
    parser.add_argument("--children", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--pause", type=float, default=3, metavar="SECONDS", help="longest between kills; default: %(default)s"
    )
    parser.add_argument(
        "--down", type=float, default=2, metavar="SECONDS", help="longest it is left dead; default: %(default)s"
    )
    parser.set_defaults(fault=run)
