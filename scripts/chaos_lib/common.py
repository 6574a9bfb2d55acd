"""What every fault needs: programs that are started and looked after, figures, files."""

import array
import json
import math
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Failure(Exception):
    """The training did not take it well; the text says how."""


# ---- Processes ------------------------------------------------------------------------------------------------------


def children_of(pid):
    """Processes whose parent is `pid`, or none when it is gone."""
    children = []
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            children += [int(word) for word in (task / "children").read_text().split()]
    except OSError:
        pass
    return children


def workers_of(lead):
    """Workers are children of the one process that the lead has forked to start them."""
    return {worker for nursery in children_of(lead) for worker in children_of(nursery)}


def processes_of_session(session):
    """Living processes of a session, zombies left out."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _parent, _group, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(entry.name))
    return found


def memory_of(pid):
    """Resident and peak memory in KiB, threads and open files of a process."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {
        "rss_kib": int(fields["VmRSS"].split()[0]),
        "peak_kib": int(fields["VmHWM"].split()[0]),
        "threads": int(fields["Threads"]),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
    }


def wait_until(condition, seconds, what, pause=0.001):
    """Looks every millisecond; returns the seconds it took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - start


# ---- Figures --------------------------------------------------------------------------------------------------------


def quantile(values, share):
    """The smallest value that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values, digits=3):
    """Median, 99th percentile and maximum."""
    if not values:
        return {}
    return {
        "p50": round(quantile(values, 0.5), digits),
        "p99": round(quantile(values, 0.99), digits),
        "max": round(max(values), digits),
    }


def report(fault, figures, promises=None):
    """A short table for people, with what is promised, and one line of JSON for programs."""

    def show(value):
        if isinstance(value, dict):
            return ", ".join(f"{key} {show(entry)}" for key, entry in value.items())
        return str(value)

    for name, value in figures.items():
        promised = f"   (promised: {promises[name]})" if promises and name in promises else ""
        print(f"{name.replace('_', ' '):<44} {show(value)}{promised}")
    print(json.dumps({"fault": fault, **figures}), flush=True)


# ---- Files ----------------------------------------------------------------------------------------------------------


def read_header(path):
    """The JSON header of a safetensors file, and where its data begins."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data, 8 + size


def check_weights(path):
    """A whole safetensors file of finite weights."""
    try:
        header, data, begin = read_header(path)
        end = max(tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__")
        weights = array.array("f", data[begin:])
    except (ValueError, KeyError) as error:
        raise Failure(f"{path.name} is damaged: {error}") from None
    if len(data) != begin + end or not all(map(math.isfinite, weights)):
        raise Failure(f"{path.name} is damaged")


def last_row(path):
    """The last whole row of a CSV table as a dictionary of texts; empty when there is none."""
    try:
        with open(path, "rb") as table:
            names = table.readline().decode().strip().split(",")
            table.seek(0, os.SEEK_END)
            table.seek(max(0, table.tell() - 4096))
            lines = table.read().split(b"\n")[:-1]
    except OSError:
        return {}
    for line in reversed(lines):
        values = line.decode(errors="replace").strip().split(",")
        if len(values) == len(names) and values != names:
            return dict(zip(names, values))
    return {}


# ---- Programs -------------------------------------------------------------------------------------------------------


class Program:
    """A program in a session of its own; whatever is left of it ends with this. Its output is added to `log`."""

    def __init__(self, words, log, environment=None):
        self.log = log
        self.log_start = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in words],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.kill_all()

    @property
    def pid(self):
        return self.process.pid

    def kill_all(self):
        for pid in processes_of_session(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def signal_all(self, number):
        for pid in processes_of_session(self.process.pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill_lead(self):
        """kill -9 of the first process only; the others must see it and end by themselves."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        what = "the end of a killed program's other processes"
        wait_until(lambda: not processes_of_session(self.pid), 5, what, 0.005)

    def said(self):
        """Its output since it was started."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"a program ended with {self.process.returncode}; its last words:\n{self.said()[-2000:]}")

    def end(self, seconds=30):
        """SIGTERM; nothing may be left of it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"it did not end within {seconds} s of SIGTERM") from None
        if code != 128 + signal.SIGTERM:
            raise Failure(f"it ended with {code}, not with {128 + signal.SIGTERM}:\n{self.said()[-2000:]}")
        wait_until(lambda: not processes_of_session(self.pid), 5, "the end of all of its processes")

    def wait_ended(self, seconds=60):
        """It ends by itself, and well, because another program told it so."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"it did not end within {seconds} s:\n{self.said()[-2000:]}") from None
        if code != 0:
            raise Failure(f"it ended with {code}, not with 0:\n{self.said()[-2000:]}")
        wait_until(lambda: not processes_of_session(self.pid), 5, "the end of all of its processes")


class Training(Program):
    """One that has a run directory."""

    def __init__(self, words, run_dir, resume=False, environment=None):
        self.run_dir = run_dir
        words = [*words, "--resume" if resume else "--run-dir", run_dir]
        super().__init__(words, run_dir.parent / (run_dir.name + ".log"), environment)

    def row(self):
        return last_row(self.run_dir / "metrics.csv")

    def updates(self):
        """How many the run has recorded."""
        return int(self.row().get("update", 0))

    def check_goes_on(self, updates, seconds):
        """So many more updates come within the time."""
        goal = self.updates() + updates

        def reached():
            self.check_alive()
            return self.updates() >= goal

        return wait_until(reached, seconds, f"{updates} more updates")

    def summary(self):
        return json.loads((self.run_dir / "summary.json").read_text())

    def end(self, seconds=30):
        """Returns its summary."""
        super().end(seconds)
        check_weights(self.run_dir / "final.safetensors")
        return self.summary()


class Playing(Training):
    """One that learns nothing, and so has no weights of its own."""

    def end(self, seconds=30):
        """Returns its summary."""
        Program.end(self, seconds)
        return self.summary()


def times_to_go_on(programs, updates, seconds, what):
    """Seconds until each of these, by their numbers, has recorded so many more updates."""
    start, times = time.monotonic(), []
    waiting = {number: program.updates() for number, program in programs.items()}
    while waiting:
        for number, before in list(waiting.items()):
            programs[number].check_alive()
            if programs[number].updates() >= before + updates:
                times.append(time.monotonic() - start)
                del waiting[number]
        if time.monotonic() - start > seconds:
            raise Failure(f"{what} {sorted(waiting)} did not go on within {seconds} s")
        time.sleep(0.002)
    return times


def add_times_and_flips(parser):
    """What faults that are done some times, and then bits that are flipped for a while, are told."""
    parser.add_argument("--times", type=int, default=5, metavar="N", help="of each fault; default: %(default)s")
    parser.add_argument("--hold", type=float, default=3, metavar="SECONDS", help="of a stop; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=10, help="with flipped bits; default: %(default)s")
    parser.add_argument(
        "--flip-every", type=int, default=1_000_000, metavar="BYTES", help="one bit in so many; default: %(default)s"
    )
