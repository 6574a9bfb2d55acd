"""SIGTERM and Ctrl-C."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from chaos_lib.common import Failure, Program, check_weights, processes_of_session, report, spread, wait_until
from chaos_lib.family import free_port

PROMISED_S = 2
COMMANDS = ("train", "parent", "child", "child without a Parent", "cluster")


def words_of(command, program, preset, port, run_dir):
    words = [program, command.split()[0], "--preset", preset, "--run-dir", run_dir]
    if command == "train":
        return words + ["--workers", "2"]
    if command == "parent":
        return words + ["--listen", "127.0.0.1:0"]
    if command == "cluster":
        return words + ["--children", "2", "--workers", "1"]
    return words + ["--workers", "1", "--connect", f"127.0.0.1:{port if command == 'child' else free_port()}"]


def stop_once(arguments, chance, command, directory, parent_port):
    """Returns the seconds from the signal to the end."""
    run_dir = directory / "run"
    words = words_of(command, arguments.program, arguments.preset, parent_port, run_dir)
    number = chance.choice([signal.SIGTERM, signal.SIGINT])
    with Program(words, directory / "run.log") as program:
        time.sleep(chance.uniform(0, arguments.latest))
        start = time.monotonic()
        program.check_alive()
        os.kill(program.pid, number)
        try:
            code = program.process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command} did not end within 20 s of signal {number}:\n{program.said()[-2000:]}") from None
        seconds = time.monotonic() - start
        # Before it has begun to catch signals, the signal itself ends it.
        if code not in (128 + number, -number):
            raise Failure(f"{command} ended with {code} after signal {number}:\n{program.said()[-2000:]}")
        wait_until(lambda: not processes_of_session(program.pid), 1, f"the end of all processes of {command}")
    for path in run_dir.rglob("*.safetensors"):
        check_weights(path)
    shutil.rmtree(run_dir, ignore_errors=True)
    return seconds


def run(arguments, chance):
    """Ends programs with SIGTERM or SIGINT at random moments; within 2 s nothing may be left of them."""
    shared = pathlib.Path("/dev/shm")
    before = set(os.listdir(shared))
    seconds = {command: [] for command in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as name:
        directory = pathlib.Path(name)
        port = free_port()
        words = [arguments.program, "parent", "--preset", arguments.preset, "--run-dir", directory / "parent"]
        with Program([*words, "--listen", f"127.0.0.1:{port}"], directory / "parent.log") as parent:
            wait_until(lambda: "listens on port" in parent.said(), 60, "the Parent's start", 0.01)
            for i in range(arguments.stops):
                command = COMMANDS[i % len(COMMANDS)]
                seconds[command].append(stop_once(arguments, chance, command, directory, port))
                parent.check_alive()
    left = sorted(set(os.listdir(shared)) - before)
    figures = {"stops": arguments.stops, "orphans": 0, "new_in_dev_shm": len(left)}
    times = {f"{command.replace(' ', '_')}_s": spread(values) for command, values in seconds.items()}
    report("stop", {**figures, **times}, dict.fromkeys(times, f"max {PROMISED_S}"))
    if left:
        raise Failure(f"left in /dev/shm: {', '.join(left)}")
    for command, values in seconds.items():
        if values and max(values) > PROMISED_S:
            raise Failure(f"{command} took {max(values):.2f} s to end")


def add(subcommands):
    parser = subcommands.add_parser("stop", help="SIGTERM and Ctrl-C at random moments", description=run.__doc__)
    parser.add_argument("--stops", type=int, default=250, metavar="N", help="of all programs; default: %(default)s")
    parser.add_argument(
        "--latest", type=float, default=3, metavar="SECONDS", help="after the start at most; default: %(default)s"
    )
    parser.set_defaults(fault=run)
