"""Starts with OpenMP threads."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from chaos_lib.common import ROOT, Failure, Program, report, spread

TORCH_EVERY = 20  # it plays for seconds


def start_once(words, directory, what, codes):
    """Returns how long it ran."""
    start = time.monotonic()
    with Program(words, directory / "run.log", {"OMP_NUM_THREADS": "4"}) as program:
        try:
            code = program.process.wait(120)
        except subprocess.TimeoutExpired:
            raise Failure(f"{what} hangs:\n{program.said()[-2000:]}") from None
        if code not in codes:
            raise Failure(f"{what} ended with {code}:\n{program.said()[-2000:]}")
    (directory / "run.log").unlink()
    return time.monotonic() - start


def run(arguments, _chance):
    """Starts trainings with OMP_NUM_THREADS=4, every 20th with a LibTorch network; none may hang."""
    has_torch = pathlib.Path(arguments.torch_program).exists()
    seconds, torch_seconds = [], []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as name:
        directory = pathlib.Path(name)
        for i in range(arguments.starts):
            if has_torch and i % TORCH_EVERY == TORCH_EVERY - 1:
                # 1 says that it learnt too little, which is not the question here.
                torch_seconds.append(start_once([arguments.torch_program], directory, f"start {i}, LibTorch", (0, 1)))
                continue
            words = [arguments.program, "train", "--preset", arguments.preset, "--workers", "2", "--updates", "2"]
            words += ["--eval-episodes", "2", "--seed", arguments.seed + i, "--run-dir", directory / "run"]
            seconds.append(start_once(words, directory, f"start {i}", (0,)))
            summary = json.loads((directory / "run" / "summary.json").read_text())
            if summary["worker_restarts"] != 0:
                raise Failure(f"start {i}: a worker hung or died and was replaced")
            shutil.rmtree(directory / "run")
    figures = {"starts": arguments.starts, "hung": 0, "whole_run_s": spread(seconds)}
    figures["with_libtorch"] = len(torch_seconds)
    if torch_seconds:
        figures["whole_run_with_libtorch_s"] = spread(torch_seconds)
    report("forks", figures)


def add(subcommands):
    parser = subcommands.add_parser("forks", help="many starts with OMP_NUM_THREADS=4", description=run.__doc__)
    parser.add_argument("--starts", type=int, default=1000, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--torch-program",
        default=str(ROOT / "build" / "release" / "examples" / "own_network"),
        metavar="FILE",
        help="left out when it is not there; default: build/release/examples/own_network",
    )
    parser.set_defaults(fault=run)
