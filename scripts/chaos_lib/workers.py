"""kill -9 of workers."""

import os
import pathlib
import signal
import tempfile
import time

from chaos_lib.common import Failure, Training, report, spread, wait_until, workers_of


def run(arguments, chance):
    """Kills random workers of one training at random moments; each must be back within a second."""
    words = [arguments.program, "train", "--preset", arguments.preset, "--workers", str(arguments.workers)]
    words += ["--seed", str(arguments.seed), "--max-worker-crashes", "1000000", "--eval-episodes", "0"]
    seconds = []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Training(words, pathlib.Path(directory) / "run") as training:
            training.check_goes_on(5, 60)
            first_update = training.updates()
            start = time.monotonic()
            for _ in range(arguments.kills):
                before = workers_of(training.pid)
                if len(before) != arguments.workers:
                    raise Failure(f"{len(before)} workers are there, not {arguments.workers}")
                victim = chance.choice(sorted(before))
                os.kill(victim, signal.SIGKILL)

                def is_back():
                    training.check_alive()
                    now = workers_of(training.pid)
                    return len(now) == arguments.workers and victim not in now

                seconds.append(wait_until(is_back, 10, "a worker's replacement"))
                time.sleep(chance.uniform(0, arguments.pause))
            took = time.monotonic() - start
            updates = training.updates() - first_update
            training.check_goes_on(20, 60)
            summary = training.end()
    figures = {
        "kills": arguments.kills,
        "seconds": round(took, 1),
        "updates_meanwhile": updates,
        "replacement_ms": spread([1e3 * s for s in seconds], 1),
        "worker_restarts_of_the_summary": summary["worker_restarts"],
    }
    report("workers", figures, {"replacement_ms": "max 1000"})
    if summary["worker_restarts"] != arguments.kills:
        raise Failure("the summary does not count every kill once")
    if max(seconds) > 1:
        raise Failure("a worker was not back within 1 s")


def add(subcommands):
    parser = subcommands.add_parser("workers", help="kill -9 of random workers", description=run.__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--pause", type=float, default=0.1, metavar="SECONDS", help="longest between kills; default: %(default)s"
    )
    parser.set_defaults(fault=run)
