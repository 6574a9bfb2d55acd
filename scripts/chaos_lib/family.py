"""A Parent and its Children as separate programs that can be killed, stopped and started again."""

import json
import pathlib
import socket
import time

from chaos_lib.common import Failure, Playing, Training, check_weights, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Family:
    """`places`: words before the program's name, for the Parent and for its Children (a network namespace)."""

    def __init__(
        self,
        arguments,
        directory,
        children,
        host="127.0.0.1",
        parent_words=(),
        child_words=(),
        places=((), ()),
        roles=("parent", "child"),
    ):
        self.program, self.seed, self.preset = arguments.program, arguments.seed, arguments.preset
        self.directory = pathlib.Path(directory)
        self.host, self.port = host, free_port()
        self.dial_port = self.port  # another one when something lies between
        self.parent_words, self.child_words, self.places = list(parent_words), list(child_words), places
        self.roles = roles  # the commands; a learner's actors are its Children
        self.environment = {}  # of all that are started
        self.workers = 1  # of each Child
        self.own_words = {}  # of one Child, by its number
        self.parent = None
        self.children = {number: None for number in range(1, children + 1)}
        self.starts = {}
        self.checked = set()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for program in [*self.children.values(), self.parent]:
            if program is not None:
                program.__exit__(*exception)

    def common_words(self):
        return ["--preset", self.preset, "--eval-episodes", "0"]

    def start_parent(self, resume=False, more=()):
        words = [*self.places[0], self.program, self.roles[0], "--listen", f"{self.host}:{self.port}", "--name", "parent"]
        if not resume:
            words += [*self.common_words(), "--seed", self.seed]
        self.parent = Training([*words, *self.parent_words, *more], self.directory / "parent", resume, self.environment)
        wait_until(self.is_listening, 60, "the Parent's start", 0.002)

    def is_listening(self):
        self.parent.check_alive()
        return f"listens on port {self.port}" in self.parent.said()

    def start_child(self, number):
        """Each start in a directory of its own, so that what it has done is plain."""
        name = f"child_{number}"
        self.starts[number] = self.starts.get(number, 0) + 1
        words = [*self.places[1], self.program, self.roles[1], "--connect", f"{self.host}:{self.dial_port}"]
        words += ["--name", name, "--preset", self.preset]
        words += ["--seed", self.seed + number, "--workers", self.workers]
        if self.roles[1] == "child":
            words += ["--eval-episodes", "0"]
        words += ["--join-timeout", "600"]
        run_dir = self.directory / f"{name}.{self.starts[number]}"
        words += [*self.child_words, *self.own_words.get(number, [])]
        self.children[number] = self.training(words, run_dir, False)

    def training(self, words, run_dir, resume):
        """An actor has no policy of its own to write."""
        kind = Training if self.roles[1] == "child" else Playing
        return kind(words, run_dir, resume, self.environment)

    def resume_child(self, number):
        """One that has ended, from where its state was."""
        words = [*self.places[1], self.program, self.roles[1]]
        self.children[number] = self.training(words, self.children[number].run_dir, True)

    def start(self):
        self.start_parent()
        for number in self.children:
            self.start_child(number)
        for number in self.children:
            self.wait_exchanges(number, 3, 60)

    def exchanges(self, number):
        """Of this start of the Child; 0 before its first row."""
        return int(self.children[number].row().get("exchanges", 0))

    def is_connected(self, number):
        return self.children[number].row().get("connected") == "1"

    def wait_exchanges(self, number, more, seconds, since=None):
        """Until it has made so many more; returns the seconds it took."""
        goal = (self.exchanges(number) if since is None else since) + more
        child = self.children[number]

        def made():
            child.check_alive()
            self.parent.check_alive()
            return self.exchanges(number) >= goal

        return wait_until(made, seconds, f"{more} more exchanges of child {number}", 0.002)

    def rejoin_times(self, seconds, since):
        """Seconds from now to the next exchange of each Child; `since`: how many each had made."""
        start = time.monotonic()
        waiting, times = dict(since), {}
        while waiting:
            self.parent.check_alive()
            for number, before in list(waiting.items()):
                self.children[number].check_alive()
                if self.exchanges(number) > before:
                    times[number] = time.monotonic() - start
                    del waiting[number]
            if time.monotonic() - start > seconds:
                raise Failure(f"children {sorted(waiting)} did not exchange again within {seconds} s")
            time.sleep(0.002)
        return list(times.values())

    def all_exchanges(self):
        return {number: self.exchanges(number) for number in self.children}

    def check_parent_said_no_error(self):
        errors = [line for line in self.parent.said().splitlines() if "error:" in line]
        if errors:
            raise Failure(f"the Parent said {len(errors)} errors, the first: {errors[0]}")

    def wait_solved(self, target, minutes):
        """Until the Parent has ended by its target; returns its summary and the moment of its end."""

        def ended():
            return self.parent.process.poll() is not None

        wait_until(ended, 60 * minutes, f"a mean return of {target}", 0.1)
        moment = time.monotonic()
        self.check_parent_said_no_error()
        path = self.directory / "parent" / "summary.json"
        if not path.exists():
            raise Failure(f"the Parent ended without a summary: {self.parent.said()[-500:]}")
        summary = json.loads(path.read_text())
        if summary["ended_by"] != "target":
            raise Failure(f"the run ended by {summary['ended_by']}, not by its target")
        return summary, moment

    def check_checkpoints(self):
        """Each new file of weights of the Parent is whole; returns how many there are in all."""
        directory = self.directory / "parent"
        for path in directory.rglob("*.safetensors"):
            stamp = (path, path.stat().st_mtime_ns)
            if stamp not in self.checked and not path.name.startswith("."):
                check_weights(path)
                self.checked.add(stamp)
        return len(self.checked)

    def end_children(self):
        for number, child in self.children.items():
            if child is not None and child.process.poll() is None:
                child.end()
            self.children[number] = None

    def end(self):
        """Children first; returns the Parent's summary."""
        self.end_children()
        parent, self.parent = self.parent, None
        try:
            return parent.end()
        finally:
            parent.kill_all()
