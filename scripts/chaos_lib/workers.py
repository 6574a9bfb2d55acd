"""kill -9 of workers."""

import csv
import os
import pathlib
import signal
import tempfile
import time

from chaos_lib.common import Failure, Training, report, spread, wait_until, workers_of


def dropped_steps(table):
    """Played and not learnt from, since the process that played them was killed."""
    with open(table, newline="") as rows:
        return sum(int(row.get("queue_dropped_steps") or 0) for row in csv.DictReader(rows))


def strike(arguments, chance, preset):
    """Kills random processes of one training at random moments; returns its figures."""
    words = [arguments.program, "train", "--preset", preset, "--workers", str(arguments.workers)]
    words += ["--seed", str(arguments.seed), "--max-worker-crashes", "1000000", "--eval-episodes", "0"]
    words += ["--max-steps", "1000000000000"]
    seconds = []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Training(words, pathlib.Path(directory) / "run") as training:
            training.check_goes_on(5, 60)
            first_update = training.updates()
            # A learner and predictors stand beside the workers.
            processes = len(workers_of(training.pid))
            if processes < arguments.workers:
                raise Failure(f"{processes} processes are there, and {arguments.workers} workers were asked for")
            start = time.monotonic()
            for _ in range(arguments.kills):
                before = workers_of(training.pid)
                if len(before) != processes:
                    raise Failure(f"{len(before)} processes are there, not {processes}")
                victim = chance.choice(sorted(before))
                os.kill(victim, signal.SIGKILL)

                def is_back():
                    training.check_alive()
                    now = workers_of(training.pid)
                    return len(now) == processes and victim not in now

                seconds.append(wait_until(is_back, 10, "a process's replacement"))
                time.sleep(chance.uniform(0, arguments.pause))
            took = time.monotonic() - start
            updates = training.updates() - first_update
            training.check_goes_on(20, 120)
            dropped = dropped_steps(training.run_dir / "metrics.csv")
            summary = training.end()
    return {
        "preset": preset,
        "processes": processes,
        "kills": arguments.kills,
        "seconds": round(took, 1),
        "updates_meanwhile": updates,
        "dropped_steps": dropped,
        "replacement_ms": spread([1e3 * s for s in seconds], 1),
        "worker_restarts_of_the_summary": summary["worker_restarts"],
    }


def check(figures):
    report("workers", figures, {"replacement_ms": "max 1000"})
    if figures["worker_restarts_of_the_summary"] != figures["kills"]:
        raise Failure("the summary does not count every kill once")
    if figures["replacement_ms"]["max"] > 1000:
        raise Failure("a process was not back within 1 s")


def run(arguments, chance):
    """Kills random workers, predictors and learners of a training at random moments; each must be back within a second.
    With --presets it does so to one training of each preset in turn."""
    presets = arguments.presets.split(",") if arguments.presets else [arguments.preset]
    for preset in presets:
        check(strike(arguments, chance, preset))


def add(subcommands):
    parser = subcommands.add_parser("workers", help="kill -9 of random workers, predictors and learners", description=run.__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--pause", type=float, default=0.1, metavar="SECONDS", help="longest between kills; default: %(default)s"
    )
    parser.add_argument("--presets", metavar="NAME,...", help="one training of each, in place of --preset")
    parser.set_defaults(fault=run)
