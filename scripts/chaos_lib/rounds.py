"""Children that make rounds together, each in a codec of its own."""

import signal
import tempfile
import time

from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import Failure, report, spread
from chaos_lib.corruption import let_children_exchange
from chaos_lib.family import Family

CODECS = ("int8-delta", "top-k", "int8", "f32", "f16", "bf16")
DEADLINE_S = 1.0
# A round's own length and a machine that is busy, on top of the deadline.
GRACE_S = 5.0
REJOINED_S = 60


def make_family(arguments, directory):
    family = Family(
        arguments,
        directory,
        len(CODECS),
        parent_words=["--exchange", "rounds", "--round-deadline", DEADLINE_S],
        child_words=["--exchange", "rounds"],
    )
    family.own_words = {number: ["--codec", codec] for number, codec in zip(family.children, CODECS)}
    return family


def longest_pause(family, numbers, seconds):
    """The longest time without an exchange of all these Children."""
    end = time.monotonic() + seconds
    seen, since, longest = sum(map(family.exchanges, numbers)), time.monotonic(), 0
    while time.monotonic() < end:
        time.sleep(0.005)
        family.parent.check_alive()
        now = sum(map(family.exchanges, numbers))
        longest = max(longest, time.monotonic() - since)
        if now != seen:
            seen, since = now, time.monotonic()
    return longest


def kill_one(family, victim, others):
    """Returns how long two rounds of the others took, and after how long the victim took part again."""
    before = {number: family.exchanges(number) for number in others}
    start = time.monotonic()
    family.children[victim].kill_lead()
    for number, since in before.items():
        family.wait_exchanges(number, 2, 30, since)
    took = time.monotonic() - start
    family.start_child(victim)
    return took, family.wait_exchanges(victim, 1, 60, since=0)


def freeze_one(family, victim, others, hold):
    """Returns the longest pause of the others, and after how long the victim took part again."""
    family.children[victim].signal_all(signal.SIGSTOP)
    pause = longest_pause(family, others, hold)
    before = {victim: family.exchanges(victim)}
    family.children[victim].signal_all(signal.SIGCONT)
    return pause, family.rejoin_times(REJOINED_S, before)[0]


def start_behind(family, relay):
    """Starts every Child behind the relay and waits until each has made three exchanges."""
    family.dial_port = relay.port
    for number in family.children:
        family.start_child(number)
    for number in family.children:
        family.wait_exchanges(number, 3, 60)


def kill_freeze_and_cut(family, relay, arguments, chance, figures):
    """Kills one Child and freezes it, then cuts all links; appends what it saw to the lists of `figures`."""
    victim = chance.choice(sorted(family.children))
    others = [number for number in family.children if number != victim]
    took, again = kill_one(family, victim, others)
    figures["others"].append(took)
    figures["back"].append(again)
    pause, again = freeze_one(family, victim, others, arguments.hold)
    figures["pauses"].append(pause)
    figures["thawed"].append(again)
    before = family.all_exchanges()
    relay.cut()
    figures["cut"] += family.rejoin_times(REJOINED_S, before)


def run(arguments, chance):
    """Kills, freezes and cuts off Children that make rounds together in six codecs, and flips bits on their way; the
    others must go on after a deadline, and no weights may be merged that were damaged or decoded wrongly."""
    seen = {name: [] for name in ("others", "back", "pauses", "thawed", "cut")}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with make_family(arguments, directory) as family:
            family.start_parent()
            with ByteRelay(family.port) as relay:
                start_behind(family, relay)
                for _ in range(arguments.times):
                    kill_freeze_and_cut(family, relay, arguments, chance, seen)
                family.check_parent_said_no_error()
                checkpoints = family.check_checkpoints()
                summary = family.end()
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with make_family(arguments, directory) as family:
            flips, exchanges, doubted, gave_up = let_children_exchange(arguments, family)
            damaged = family.end()
    rounds = summary["rounds"]
    figures = {
        "kills_freezes_and_cuts": arguments.times,
        "two_rounds_of_the_others_after_a_kill_s": spread(seen["others"]),
        "killed_child_takes_part_again_after_s": spread(seen["back"]),
        "longest_pause_of_the_others_in_a_freeze_s": spread(seen["pauses"]),
        "frozen_child_takes_part_again_after_s": spread(seen["thawed"]),
        "all_take_part_again_after_a_cut_s": spread(seen["cut"]),
        "rounds_closed": rounds["closed"],
        "rounds_closed_by_the_deadline": rounds["by_deadline"],
        "late_contributions": rounds["late"],
        "dropped_contributions": rounds["dropped"],
        "parent_refused_updates": summary["refused_updates"],
        "parent_checkpoints_read": checkpoints,
        "flipped_bits": flips,
        "exchanges_with_flipped_bits": exchanges,
        "frames_refused_with_flipped_bits": damaged["refused_updates"],
        "refusals_not_believed": doubted,
        "children_that_gave_up": gave_up,
    }
    promised = f"max {DEADLINE_S + GRACE_S}"
    report("rounds", figures, {"longest_pause_of_the_others_in_a_freeze_s": promised})
    if summary["refused_updates"] != 0:
        raise Failure("the Parent refused updates although no bit was flipped")
    if max(seen["pauses"]) > DEADLINE_S + GRACE_S:
        raise Failure("a frozen Child held the others up for longer than the deadline")
    if flips == 0 or exchanges == 0:
        raise Failure("no bit was flipped, or nothing was exchanged: the run says nothing")
    if gave_up:
        raise Failure(f"{gave_up} Children gave up for good, although bits were flipped and nothing else was wrong")


def add(subcommands):
    help_line = "rounds that Children make together in codecs"
    parser = subcommands.add_parser("rounds", help=help_line, description=run.__doc__)
    parser.add_argument("--times", type=int, default=20, metavar="N", help="of each fault; default: %(default)s")
    parser.add_argument(
        "--hold", type=float, default=5, metavar="S", help="that a Child is frozen; default: %(default)s"
    )
    parser.add_argument(
        "--flip-every", type=int, default=60_000, metavar="BYTES", help="a bit in so many bytes; default: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=30, metavar="S", help="that bits are flipped; default: %(default)s"
    )
    parser.set_defaults(fault=run)
