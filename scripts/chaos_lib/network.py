"""Bad networks between a Parent and its Children."""

import argparse
import tempfile
import time

from chaos_lib.common import Failure, report, spread, wait_until
from chaos_lib.family import Family
from chaos_lib.net_space import NetSpace

NOTICED_S = 15
REJOINED_S = 60  # an end that has given up dials again after 10 s and waits 5 s for an answer

CONDITIONS = {
    "clean": {},
    "loss 5%": {"loss": 0.05},
    "loss 20%": {"loss": 0.2},
    "delay 200 ms": {"delay": 0.1},  # each way
    "duplication 10%": {"duplicate": 0.1},
    "reordering 20%": {"reorder": 0.2},
    "all": {"loss": 0.05, "delay": 0.1, "jitter": 0.02, "duplicate": 0.05, "reorder": 0.1},
}


def lengths(text):
    """Seconds with commas between."""
    try:
        seconds = [float(word) for word in text.split(",")]
    except ValueError:
        seconds = []
    if not seconds or min(seconds) <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of seconds such as 1,5,20")
    return seconds


def under_conditions(family, space, seconds, conditions):
    """Exchanges a second of all Children, by condition."""
    rates = {}
    for name, settings in conditions.items():
        space.set(**settings)
        for number in family.children:
            family.wait_exchanges(number, 1, 60)
        before, start = family.all_exchanges(), time.monotonic()
        time.sleep(seconds)
        family.parent.check_alive()
        made = {number: count - before[number] for number, count in family.all_exchanges().items()}
        rates[name] = round(sum(made.values()) / (time.monotonic() - start), 1)
        if not all(made.values()):
            raise Failure(f"{name}: a Child made no exchange in {seconds} s")
    space.set()
    return rates


def partition(family, space, seconds):
    """Nothing passes for so long; returns the Children's seconds from then to an exchange."""
    space.set(down=1)
    rounds = {number: child.updates() for number, child in family.children.items()}
    time.sleep(seconds)
    if seconds > NOTICED_S + 1:
        for number, child in family.children.items():
            if child.updates() <= rounds[number] + 1:
                raise Failure(f"child {number} did not train on while nothing passed")
    before = family.all_exchanges()
    space.set()
    return family.rejoin_times(REJOINED_S, before)


def half_open(family, space):
    """After how many seconds of silence the Parent, and each Child, says that the other is gone."""
    said = len(family.parent.said().splitlines())
    space.set(down=1)
    start = time.monotonic()
    parent, children = {}, {}

    def all_noticed():
        lines = family.parent.said().splitlines()[said:]
        for number in family.children:
            if number not in parent and any(f"'child_{number}'" in line and "is gone" in line for line in lines):
                parent[number] = time.monotonic() - start
            if number not in children and not family.is_connected(number):
                children[number] = time.monotonic() - start
        return len(parent) == len(children) == len(family.children)

    wait_until(all_noticed, NOTICED_S + 15, "both ends noticing a half-open link", 0.05)
    before = family.all_exchanges()
    space.set()
    family.rejoin_times(REJOINED_S, before)
    return list(parent.values()), list(children.values())


def run(arguments, _chance):
    """Loss, delay, duplication, reordering, partitions and half-open links between two network namespaces."""
    rejoined, parent_noticed, child_noticed = {}, [], []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory, NetSpace(arguments.seed) as space:
        places = (space.place(0), space.place(1))
        words = ["--insecure"]  # nobody else is in there
        with Family(
            arguments, directory, arguments.children, space.hosts[0], parent_words=words, places=places
        ) as family:
            family.start()
            rates = under_conditions(family, space, arguments.seconds, CONDITIONS)
            for seconds in arguments.partitions:
                for _ in range(arguments.times):
                    rejoined.setdefault(f"{seconds:g}", []).extend(partition(family, space, seconds))
            for _ in range(arguments.times):
                parent, children = half_open(family, space)
                parent_noticed += parent
                child_noticed += children
            family.check_parent_said_no_error()
            packets = space.packets.value
            summary = family.end()
    figures = {"packets": packets}
    for name, rate in rates.items():
        figures[f"exchanges_per_s_{name.replace(' ', '_')}"] = rate
    for seconds, values in rejoined.items():
        figures[f"rejoin_after_{seconds}_s_of_nothing_s"] = spread(values, 2)
    expected = arguments.children * arguments.times * len(arguments.partitions)
    figures["rejoined"] = f"{sum(map(len, rejoined.values()))} of {expected}"
    figures["half_open_parent_noticed_s"] = spread(parent_noticed, 2)
    figures["half_open_children_noticed_s"] = spread(child_noticed, 2)
    figures["parent_refused_updates"] = summary["refused_updates"]
    noticed = f"max {NOTICED_S}"
    report("network", figures, {"half_open_parent_noticed_s": noticed, "half_open_children_noticed_s": noticed})
    # Half a second for the looking and for what was under way.
    if max(parent_noticed + child_noticed) > NOTICED_S + 0.5:
        raise Failure(f"a half-open link was not noticed within {NOTICED_S} s")
    if summary["refused_updates"] != 0:
        raise Failure("the Parent refused weights")


def add(subcommands):
    parser = subcommands.add_parser(
        "network", help="loss, delay, reordering, partitions, half-open links; root", description=run.__doc__
    )
    parser.add_argument("--children", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=20, metavar="S", help="of each kind of network; default: %(default)s"
    )
    parser.add_argument(
        "--partitions", type=lengths, default="1,5,20,60", metavar="S,S,...", help="their lengths; default: %(default)s"
    )
    parser.add_argument(
        "--times", type=int, default=3, metavar="N", help="each partition and half-open link; default: %(default)s"
    )
    parser.set_defaults(fault=run)
