"""SIGSTOP."""

import os
import pathlib
import signal
import tempfile
import time

from chaos_lib.common import Failure, Training, report, spread, wait_until, workers_of
from chaos_lib.family import Family

NOTICED_S = 15
REJOINED_S = 10
ROUND_TIMEOUT_S = 2


def freeze_workers(arguments, chance, directory):
    """Returns seconds from the stop to the next update."""
    words = [arguments.program, "train", "--preset", arguments.preset, "--workers", "2", "--seed", arguments.seed]
    words += ["--max-worker-crashes", "1000000", "--round-timeout", ROUND_TIMEOUT_S, "--eval-episodes", "0"]
    seconds = []
    with Training(words, pathlib.Path(directory) / "train") as training:
        training.check_goes_on(3, 60)
        for _ in range(arguments.times):
            victim = chance.choice(sorted(workers_of(training.pid)))
            os.kill(victim, signal.SIGSTOP)
            start = time.monotonic()
            wait_until(lambda: victim not in workers_of(training.pid), 30, "a stopped worker's replacement", 0.005)
            training.check_goes_on(2, 30)
            seconds.append(time.monotonic() - start)
        summary = training.end()
    if summary["worker_restarts"] < arguments.times:
        raise Failure(f"the summary counts {summary['worker_restarts']} of {arguments.times} stopped workers")
    return seconds


def freeze_child(family, chance, hold):
    """Returns after how long the Parent noticed, and after how long the Child was back."""
    victim = chance.choice(sorted(family.children))
    child = family.children[victim]
    others = [number for number in family.children if number != victim]
    gone = family.parent.said().count(f"'child_{victim}'")
    child.signal_all(signal.SIGSTOP)
    start = time.monotonic()

    def noticed():
        lines = [line for line in family.parent.said().splitlines() if f"'child_{victim}'" in line]
        return any("is gone" in line for line in lines[gone:])

    took = wait_until(noticed, hold, "the Parent noticing a stopped Child", 0.05)
    for number in others:
        family.wait_exchanges(number, 2, 10)
    time.sleep(max(0, hold - (time.monotonic() - start)))
    before = {victim: family.exchanges(victim)}
    child.signal_all(signal.SIGCONT)
    return took, family.rejoin_times(60, before)


def freeze_parent(family, hold):
    """Returns after how long each Child noticed, and was back."""
    family.parent.signal_all(signal.SIGSTOP)
    start = time.monotonic()
    waiting, noticed = set(family.children), []
    while waiting and time.monotonic() - start < hold:
        for number in list(waiting):
            if not family.is_connected(number):
                noticed.append(time.monotonic() - start)
                waiting.discard(number)
        time.sleep(0.02)
    if waiting:
        raise Failure(f"children {sorted(waiting)} did not notice a stopped Parent within {hold} s")
    before = family.all_exchanges()
    family.parent.signal_all(signal.SIGCONT)
    return noticed, family.rejoin_times(60, before)


def run(arguments, chance):
    """Stops workers, Children and the Parent with SIGSTOP; it is noticed, the rest trains on, all come back."""
    hold = NOTICED_S + 3
    child_noticed, child_back, parent_noticed, parent_back = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        workers = freeze_workers(arguments, chance, directory)
        with Family(arguments, directory, 2) as family:
            family.start()
            for _ in range(arguments.long_times):
                took, back = freeze_child(family, chance, hold)
                child_noticed.append(took)
                child_back += back
                noticed, back = freeze_parent(family, hold)
                parent_noticed += noticed
                parent_back += back
            family.check_parent_said_no_error()
            summary = family.end()
    figures = {
        "stopped_workers": arguments.times,
        "two_updates_after_a_stopped_worker_s": spread(workers),
        "stopped_children_and_parents": 2 * arguments.long_times,
        "parent_noticed_s": spread(child_noticed),
        "child_is_back_after_s": spread(child_back),
        "children_noticed_s": spread(parent_noticed),
        "children_are_back_after_s": spread(parent_back),
        "parent_refused_updates": summary["refused_updates"],
    }
    noticed = f"max {NOTICED_S}"
    report("freeze", figures, {"parent_noticed_s": noticed, "children_noticed_s": noticed})
    # Half a second for the looking.
    if max(child_noticed + parent_noticed) > NOTICED_S + 0.5:
        raise Failure(f"a silent peer was not noticed within {NOTICED_S} s")
    if max(child_back + parent_back) > REJOINED_S:
        raise Failure(f"not back within {REJOINED_S} s")


def add(subcommands):
    parser = subcommands.add_parser("freeze", help="SIGSTOP of workers, Children, the Parent", description=run.__doc__)
    parser.add_argument("--times", type=int, default=20, metavar="N", help="of workers; default: %(default)s")
    parser.add_argument(
        "--long-times", type=int, default=5, metavar="N", help="of a Child and of the Parent; default: %(default)s"
    )
    parser.set_defaults(fault=run)
