"""A wall clock that jumps."""

import csv
import os
import pathlib
import subprocess
import tempfile
import time

from chaos_lib.common import Failure, check_weights, children_of, processes_of_session, report, spread, wait_until
from chaos_lib.family import Family

JUMPS = {"minute": 60, "hour": 3600, "day": 86_400, "ten years": 315_360_000}
LIBRARY = "libfaketimeMT.so.1"


def find_library():
    """Of Debian's package libfaketime, or none."""
    for directory in sorted(pathlib.Path("/usr/lib").glob("*/faketime")):
        if (directory / LIBRARY).exists():
            return directory / LIBRARY
    return None


class WallClock:
    """The calendar's clock of the programs that are started with its environment; the monotonic clock stays."""

    def __init__(self, library, directory):
        self.file = directory / "clock"
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset):
        """So many seconds from the true one."""
        new = self.file.with_name("clock.new")
        new.write_text(f"{offset:+d}\n")
        os.replace(new, self.file)

    def check(self, offset):
        """A program that is asked the time tells the one that was set."""
        environment = {**os.environ, **self.environment}
        told = int(subprocess.run(["date", "+%s"], env=environment, capture_output=True, check=True).stdout)
        if abs(told - time.time() - offset) > 60:
            raise Failure(f"the clock could not be set: it is {told - time.time():.0f} s off, not {offset}")


def remove_leftovers():
    """libfaketime's own shared memory, which a process that is killed leaves behind."""
    for path in pathlib.Path("/dev/shm").glob("*faketime_*"):
        pid = path.name.rpartition("_")[2]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            path.unlink(missing_ok=True)


def look_on(family, seconds):
    """Watches for so long; returns the longest time without a new update of the Parent."""
    end = time.monotonic() + seconds
    updates, since, gap = family.parent.updates(), time.monotonic(), 0.0
    while time.monotonic() < end:
        family.parent.check_alive()
        for child in family.children.values():
            child.check_alive()
        now, row = time.monotonic(), family.parent.updates()
        gap = max(gap, now - since)
        if row != updates:
            updates, since = row, now
        time.sleep(0.005)
    return gap


def check_times(table):
    """Rows follow one another in time, none further apart than they really were; returns how many there are."""
    with open(table, newline="") as file:
        seconds = [float(row["wall_seconds"]) for row in csv.DictReader(file)]
    for before, after in zip(seconds, seconds[1:]):
        if not 0 <= after - before <= 60:
            raise Failure(f"{table.parent.name}/{table.name}: a row of {after} s follows one of {before} s")
    return len(seconds)


def check_workers(family, library):
    """The library is in every process that trains; returns the workers' numbers."""
    workers = set()
    for program in [family.parent, *family.children.values()]:
        for pid in processes_of_session(program.pid):
            if library.name not in pathlib.Path(f"/proc/{pid}/maps").read_text():
                raise Failure(f"process {pid} was started without {library}")
        for nursery in children_of(program.pid):
            workers.update(children_of(nursery))
    return workers


def resume_child(family, clock, jump):
    """Kills a Child and starts it again after the clock jumped: it was gone for a moment only."""
    number = min(family.children)
    child = family.children[number]
    state = child.run_dir / "state.safetensors"
    wait_until(state.exists, 30, "the state of a Child", 0.01)
    child.kill_all()
    clock.set(jump)
    family.resume_child(number)
    wait_until(lambda: "the resumed state is" in family.children[number].said(), 30, "the Child's return", 0.01)
    if "goes on with its session" not in family.children[number].said():
        raise Failure(f"a Child that was gone for a moment was told by a clock {jump} s off that it was long")
    family.wait_exchanges(number, 2, 30)


def run(arguments, _chance):
    """Lets the wall clock of a Parent and its Children jump forward and back; nobody may feel it."""
    library = find_library()
    if library is None:
        raise Failure("there is no libfaketime; install Debian's package libfaketime (scripts/install-deps does)")
    gaps = {name: [] for name in JUMPS}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        directory = pathlib.Path(directory)
        clock = WallClock(library, directory)
        words = ["--checkpoint-seconds", "0.5"]
        with Family(arguments, directory, arguments.children, "127.0.0.1", words, words) as family:
            family.environment, family.workers = clock.environment, arguments.workers
            family.start()
            before = check_workers(family, library)
            quiet = look_on(family, arguments.hold)
            states = 0
            for name, size in JUMPS.items():
                for offset in (size, 0, -size, 0):
                    state = family.parent.run_dir / "state.safetensors"
                    written = state.stat().st_mtime_ns if state.exists() else 0
                    clock.set(offset)
                    clock.check(offset)
                    gaps[name].append(look_on(family, arguments.hold))
                    wait_until(
                        lambda: state.exists() and state.stat().st_mtime_ns != written, 10, "a state after a jump", 0.01
                    )
                    check_weights(state)
                    states += 1
            lost = sum(int(child.row().get("reconnects", 0)) for child in family.children.values())
            replaced = len(before - check_workers(family, library))
            for jump in (JUMPS["ten years"], -JUMPS["ten years"]):
                resume_child(family, clock, jump)
            checkpoints = family.check_checkpoints()
            family.end_children()
            family.check_parent_said_no_error()
            summary = family.end()
            rows = sum(check_times(table) for table in directory.rglob("metrics.csv"))
    remove_leftovers()
    longest = max(max(values) for values in gaps.values())
    figures = {
        "jumps": sum(map(len, gaps.values())),
        "longest_gap_between_updates_before_s": round(quiet, 3),
        **{f"gap_after_{name.replace(' ', '_')}_s": spread(values) for name, values in gaps.items()},
        "workers_replaced": replaced,
        "links_lost": lost,
        "states_written_and_read": states,
        "checkpoints_read": checkpoints,
        "children_resumed_in_their_session": 2,
        "rows_in_order": rows,
        "updates": summary["updates"],
        "parent_refused_updates": summary["refused_updates"],
    }
    report("clock", figures, {name: f"max {arguments.gap:g}" for name in figures if name.startswith("gap_after")})
    if longest > arguments.gap:
        raise Failure(f"no update for {longest:.2f} s after a jump")
    if replaced or lost or summary["refused_updates"]:
        raise Failure("a worker was replaced, a link lost or an update refused")


def add(subcommands):
    parser = subcommands.add_parser("clock", help="a wall clock that jumps", description=run.__doc__)
    parser.add_argument("--children", type=int, default=2, metavar="K", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="of each Child; default: %(default)s")
    parser.add_argument(
        "--hold", type=float, default=3, metavar="SECONDS", help="each time stands so long; default: %(default)s"
    )
    parser.add_argument(
        "--gap", type=float, default=2, metavar="SECONDS", help="without an update at most; default: %(default)s"
    )
    parser.set_defaults(fault=run)
