"""Parents in levels: a topmost one, middle ones, and their Children."""

import os
import pathlib
import signal
import tempfile
import time

from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import (
    Failure,
    Training,
    add_times_and_flips,
    last_row,
    report,
    spread,
    times_to_go_on,
    wait_until,
)
from chaos_lib.family import free_port

BACK_S = 60


class Levels:
    """Each middle Parent dials the topmost one through a relay of its own, and has one Child."""

    def __init__(self, arguments, directory, flip_every=0):
        self.arguments, self.directory = arguments, pathlib.Path(directory)
        self.port = free_port()
        self.groups = range(1, arguments.groups + 1)
        self.ports = {group: free_port() for group in self.groups}
        self.relays = {group: ByteRelay(self.port, flip_every, arguments.seed) for group in self.groups}
        self.top, self.middles, self.children = None, {}, {}

    def __enter__(self):
        self.start_top()
        for group in self.groups:
            self.start_middle(group)
            self.start_child(group)
        self.reach_top_again("the first exchanges")
        return self

    def __exit__(self, *exception):
        for program in [*self.children.values(), *self.middles.values(), self.top]:
            if program is not None:
                program.__exit__(*exception)
        for relay in self.relays.values():
            relay.__exit__(*exception)

    def parent(self, name, port, resume, more=()):
        words = [self.arguments.program, "parent", "--listen", f"127.0.0.1:{port}", "--name", name]
        words += ["--checkpoint-seconds", "1", *more]
        if not resume:
            words += ["--preset", self.arguments.preset, "--seed", self.arguments.seed, "--eval-episodes", "0"]
            words += ["--exchange", self.arguments.exchange]
        return Training(words, self.directory / name, resume)

    def start_top(self, resume=False):
        self.top = self.parent("top", self.port, resume)

    def start_middle(self, group, resume=False):
        upper = ["--upper", f"127.0.0.1:{self.relays[group].port}", "--exchange-timeout", "2", "--join-timeout", "600"]
        self.middles[group] = self.parent(f"group_{group}", self.ports[group], resume, upper)

    def start_child(self, group):
        words = [self.arguments.program, "child", "--connect", f"127.0.0.1:{self.ports[group]}"]
        words += ["--name", f"child_{group}", "--preset", self.arguments.preset, "--workers", "1"]
        words += ["--seed", self.arguments.seed + group, "--round-steps", "256", "--schedule", "constant"]
        words += ["--exchange", self.arguments.exchange, "--exchange-timeout", "2", "--join-timeout", "600"]
        words += ["--max-steps", "1000000000", "--eval-episodes", "0", "--max-worker-crashes", "1000000"]
        self.children[group] = Training(words, self.directory / f"child_{group}", False)

    def programs(self):
        return [*self.children.values(), *self.middles.values(), self.top]

    def go_on(self, rounds=3):
        """Seconds until each Child has made more rounds, whatever stands above it."""
        return times_to_go_on(self.children, rounds, BACK_S, "children")

    def exchanges(self, group):
        return int(last_row(self.middles[group].run_dir / "metrics.csv").get("upper_exchanges") or 0)

    def reach_top_again(self, what):
        """Seconds until each middle Parent has had answers of the topmost one again."""
        start = time.monotonic()

        def all_alive():
            for program in self.programs():
                program.check_alive()
            return True

        # A new process has cut the rows off that came after its state, and counts from 0.
        def all_joined():
            return all_alive() and all("joined the upper Parent" in each.said() for each in self.middles.values())

        wait_until(all_joined, BACK_S, what, 0.01)
        before = {group: self.exchanges(group) for group in self.groups}

        def all_exchange():
            return all_alive() and all(self.exchanges(group) not in range(before[group], before[group] + 2) for group in self.groups)

        wait_until(all_exchange, BACK_S, what, 0.01)
        return time.monotonic() - start

    def kill(self, program, start):
        program.kill_all()
        alone = self.go_on()
        start()
        return alone, self.reach_top_again("exchanges with the topmost Parent after a kill")

    def kill_middle(self, group):
        return self.kill(self.middles[group], lambda: self.start_middle(group, resume=True))

    def kill_top(self):
        return self.kill(self.top, lambda: self.start_top(resume=True))

    def freeze(self, programs, hold):
        for program in programs:
            program.signal_all(signal.SIGSTOP)
        alone = self.go_on()
        time.sleep(hold)
        for program in programs:
            program.signal_all(signal.SIGCONT)
        return alone, self.reach_top_again("exchanges with the topmost Parent after a stop")

    def divide(self, group, hold):
        """Nothing crosses between a group and the topmost Parent, and nobody is told so."""
        os.kill(self.relays[group].process.pid, signal.SIGSTOP)
        alone = self.go_on()
        time.sleep(hold)
        os.kill(self.relays[group].process.pid, signal.SIGCONT)
        return alone, self.reach_top_again("exchanges with the topmost Parent after a partition")

    def end(self):
        """From the top; each level tells the next one."""
        self.top.end()
        return [program.wait_ended() for program in [*self.middles.values(), *self.children.values()]]

    def end_each(self):
        """From below: where links break all the time, somebody is away when the run ends, and does not hear of it."""
        return [program.end() for program in [*self.children.values(), *self.middles.values(), self.top]]


def run(arguments, chance):
    """Kills and stops middle Parents and the topmost one, cuts and divides the links between them, kills all middle Parents
    at once, and flips bits on the way. Children must train on through all of it."""
    alone = {name: [] for name in ("middle_killed", "top_killed", "middle_stopped", "top_stopped", "divided", "all_killed")}
    again = []
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Levels(arguments, directory) as levels:
            for _ in range(arguments.times):
                group = chance.choice(list(levels.groups))
                for name, fault in (
                    ("middle_killed", lambda: levels.kill_middle(group)),
                    ("top_killed", levels.kill_top),
                    ("middle_stopped", lambda: levels.freeze([levels.middles[group]], arguments.hold)),
                    ("top_stopped", lambda: levels.freeze([levels.top], arguments.hold)),
                    ("divided", lambda: levels.divide(group, arguments.hold)),
                ):
                    times, seconds = fault()
                    alone[name] += times
                    again.append(seconds)
                for relay in levels.relays.values():
                    relay.cut()
                again.append(levels.reach_top_again("exchanges after all links to the topmost Parent were cut"))
            for middle in levels.middles.values():
                middle.kill_all()
            alone["all_killed"] += levels.go_on()
            for group in levels.groups:
                levels.start_middle(group, resume=True)
            again.append(levels.reach_top_again("exchanges after all middle Parents were killed"))
            levels.end()
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Levels(arguments, directory, arguments.flip_every) as levels:
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end:
                levels.go_on()
            flips = sum(relay.flips.value for relay in levels.relays.values())
            levels.end_each()
    figures = {"exchange": arguments.exchange, "groups": arguments.groups, "times_of_each_fault": arguments.times}
    figures |= {f"children_went_on_{name}_s": spread(times) for name, times in alone.items()}
    figures |= {"all_reach_the_top_again_s": spread(again), "flipped_bits": flips}
    report("levels", figures)
    if flips == 0:
        raise Failure("no bit was flipped: the run says nothing")


def add(subcommands):
    parser = subcommands.add_parser("levels", help="kill, stop and cut off Parents in levels", description=run.__doc__)
    parser.add_argument("--groups", type=int, default=2, metavar="N", help="middle Parents; default: %(default)s")
    parser.add_argument("--exchange", default="each", metavar="KIND", help="of all levels; default: %(default)s")
    add_times_and_flips(parser)
    parser.set_defaults(fault=run, preset_default="tuned")
