"""Actors and their learner, which wait for each other or do not."""

import os
import signal
import tempfile
import time

from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import Failure, report, spread, wait_until
from chaos_lib.corruption import let_children_exchange
from chaos_lib.family import Family
from chaos_lib.net_space import NetSpace
from chaos_lib.network import CONDITIONS, under_conditions
from chaos_lib.rounds import REJOINED_S, kill_freeze_and_cut, start_behind

ACTORS = 3
ROUND_STEPS = 512
LOSSY = ("clean", "loss 5%", "loss 20%")
DEADLINE_S = 1.0
# A round's own length and a machine that is busy, on top of the deadline.
GRACE_S = 5.0


def make_family(arguments, directory, mode, more=(), **where):
    learner_words = ["--round-steps", ROUND_STEPS, "--eval-workers", "1", "--checkpoint-seconds", "1", *more]
    if mode == "waiting":
        learner_words += ["--round-deadline", DEADLINE_S]
    else:
        learner_words += ["--actor-mode", mode]
    return Family(
        arguments,
        directory,
        ACTORS,
        parent_words=learner_words,
        child_words=["--round-steps", ROUND_STEPS, "--away-timeout", "600"],
        roles=("learner", "actor"),
        **where,
    )


def kill_learner(family):
    """It goes on from its state; returns after how long each actor took part again."""
    wait_until((family.directory / "parent" / "state.safetensors").exists, 60, "the learner's first state")
    before = family.all_exchanges()
    family.parent.kill_lead()
    family.start_parent(resume=True)
    return family.rejoin_times(REJOINED_S, before)


def freeze_learner(family, hold):
    """Returns after how long each actor took part again."""
    family.parent.signal_all(signal.SIGSTOP)
    time.sleep(hold)
    before = family.all_exchanges()
    family.parent.signal_all(signal.SIGCONT)
    return family.rejoin_times(REJOINED_S, before)


def slow_link(family, arguments):
    """One actor more behind a link of 4 KB/s; returns the longest pause of the others, and its exchanges."""
    number = ACTORS + 1
    others = sorted(family.children)
    with ByteRelay(family.port, bytes_per_second=4_000) as relay:
        port, family.dial_port = family.dial_port, relay.port
        family.children[number] = None
        family.start_child(number)
        family.dial_port = port
        family.wait_exchanges(number, 1, 120, since=0)
        longest = 0
        for _ in range(max(1, int(arguments.hold))):
            before, start = sum(map(family.exchanges, others)), time.monotonic()
            wait_until(lambda: sum(map(family.exchanges, others)) > before, 30, "the others beside a slow link")
            longest = max(longest, time.monotonic() - start)
            time.sleep(max(0, 1 - (time.monotonic() - start)))
        made = family.exchanges(number)
        family.children.pop(number).kill_all()
    return longest, made


def lose_packets(arguments, mode):
    """Batches a second of all actors, by the share of packets that is lost."""
    conditions = {name: CONDITIONS[name] for name in LOSSY}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory, NetSpace(arguments.seed) as space:
        places = (space.place(0), space.place(1))
        # Nobody else is in there.
        where = {"host": space.hosts[0], "places": places}
        with make_family(arguments, directory, mode, ["--insecure"], **where) as family:
            family.start()
            rates = under_conditions(family, space, arguments.seconds, conditions)
            family.check_parent_said_no_error()
            summary = family.end()
    if summary["refused_frames"] != 0:
        raise Failure("the learner refused frames although packets were only lost")
    if summary["segments"]["dropped_steps"] != 0:
        raise Failure("actors dropped steps although their learner lived")
    return {f"batches_per_s_{name.replace(' ', '_')}": rate for name, rate in rates.items()}


def let_faults_happen(arguments, chance, mode):
    figures = {name: [] for name in ("others", "back", "pauses", "thawed", "cut", "learner", "frozen")}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with make_family(arguments, directory, mode) as family:
            family.start_parent()
            with ByteRelay(family.port) as relay:
                start_behind(family, relay)
                for _ in range(arguments.times):
                    kill_freeze_and_cut(family, relay, arguments, chance, figures)
                    figures["frozen"] += freeze_learner(family, arguments.hold)
                    figures["learner"] += kill_learner(family)
                slow_pause, slow_exchanges = slow_link(family, arguments)
                family.check_parent_said_no_error()
                checkpoints = family.check_checkpoints()
                summary = family.end()
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with make_family(arguments, directory, mode) as family:
            flips, exchanges, doubted, gave_up = let_children_exchange(arguments, family)
            damaged = family.end()
    lossy = lose_packets(arguments, mode) if os.geteuid() == 0 else {"packet_loss": "left out: it needs root"}
    segments = summary["segments"]
    told = {
        "times_of_each_fault": arguments.times,
        "two_rounds_of_the_others_after_a_kill_s": spread(figures["others"]),
        "killed_actor_takes_part_again_after_s": spread(figures["back"]),
        "longest_pause_of_the_others_in_a_freeze_s": spread(figures["pauses"]),
        "frozen_actor_takes_part_again_after_s": spread(figures["thawed"]),
        "all_take_part_again_after_a_cut_s": spread(figures["cut"]),
        "all_take_part_again_after_a_frozen_learner_s": spread(figures["frozen"]),
        "all_take_part_again_after_a_killed_learner_s": spread(figures["learner"]),
        "longest_pause_beside_a_link_of_4_kb_s": round(slow_pause, 3),
        "exchanges_over_that_link": slow_exchanges,
        "last_learner_rounds": segments["rounds"],
        "last_learner_policy_lag_mean": round(segments["policy_lag_mean"], 3),
        "last_learner_policy_lag_max": segments["policy_lag_max"],
        "last_learner_steps_dropped_by_actors": segments["dropped_steps"],
        "last_learner_steps_too_late": segments["late_steps"],
        "learner_refused_frames": summary["refused_frames"],
        "learner_checkpoints_read": checkpoints,
        "flipped_bits": flips,
        "exchanges_with_flipped_bits": exchanges,
        "frames_refused_with_flipped_bits": damaged["refused_frames"],
        "refusals_not_believed": doubted,
        "actors_that_gave_up": gave_up,
        **lossy,
    }
    limit = GRACE_S + (DEADLINE_S if mode == "waiting" else 0)
    promised = f"max {limit}"
    promises = ("longest_pause_of_the_others_in_a_freeze_s", "longest_pause_beside_a_link_of_4_kb_s")
    report(f"actors, {mode}", told, {name: promised for name in promises})
    if summary["refused_frames"] != 0:
        raise Failure("the learner refused frames although no bit was flipped")
    if max([*figures["pauses"], slow_pause]) > limit:
        raise Failure("a frozen or slow actor held the others up for too long")
    if flips == 0 or exchanges == 0:
        raise Failure("no bit was flipped, or nothing was exchanged: the run says nothing")
    if gave_up:
        raise Failure(f"{gave_up} actors gave up for good, although bits were flipped and nothing else was wrong")


def run(arguments, chance):
    """Kills, freezes and cuts off actors, freezes and kills their learner, puts an actor behind a slow link, and flips
    bits on their way, and loses packets (as root): once with actors that wait for the learner, and once with asynchronous ones."""
    for mode in arguments.modes:
        let_faults_happen(arguments, chance, mode)


def add(subcommands):
    parser = subcommands.add_parser("actors", help="actors and their learner", description=run.__doc__)
    parser.add_argument("--times", type=int, default=5, metavar="N", help="of each fault; default: %(default)s")
    parser.add_argument(
        "--hold", type=float, default=5, metavar="S", help="that one of them is frozen; default: %(default)s"
    )
    parser.add_argument(
        "--flip-every", type=int, default=60_000, metavar="BYTES", help="a bit in so many bytes; default: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=30, metavar="S", help="that bits are flipped, and for each loss; default: %(default)s"
    )
    parser.add_argument(
        "--modes", nargs="+", choices=("waiting", "asynchronous"), default=["waiting", "asynchronous"], metavar="MODE"
    )
    parser.set_defaults(fault=run, preset_default="tuned")
