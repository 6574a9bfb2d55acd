"""Shards that own the weights, and learners that send them gradients."""

import pathlib
import re
import signal
import tempfile
import time

from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import Failure, Program, Training, check_weights, report, spread, wait_until
from chaos_lib.family import free_port

SHARDS = 2
LEARNERS = 2
BACK_S = 60


class Shard(Training):
    """It leaves a state, and no policy."""

    def end(self, seconds=30):
        """Returns its summary."""
        Program.end(self, seconds)
        check_weights(self.run_dir / "state.safetensors")
        return self.summary()


class Group:
    """Shards, a relay before the last one, and learners that dial the relay in its place."""

    def __init__(self, arguments, directory, flip_every=0):
        self.arguments, self.directory = arguments, pathlib.Path(directory)
        self.ports = [free_port() for _ in range(SHARDS)]
        self.relay = ByteRelay(self.ports[-1], flip_every, arguments.seed)
        self.shards, self.learners, self.starts = {}, {}, {}

    def __enter__(self):
        for number in range(1, SHARDS + 1):
            self.start_shard(number)
        for number in range(1, LEARNERS + 1):
            self.start_learner(number)
        for learner in self.learners.values():
            wait_until(lambda each=learner: each.updates() >= 2, BACK_S, "the first rounds")
        return self

    def __exit__(self, *exception):
        for program in [*self.learners.values(), *self.shards.values()]:
            program.__exit__(*exception)
        self.relay.__exit__(*exception)

    def start_shard(self, number, resume=False):
        port = self.ports[number - 1]
        words = [self.arguments.program, "shard", "--listen", f"127.0.0.1:{port}", "--checkpoint-seconds", "1"]
        if not resume:
            words += ["--preset", self.arguments.preset, "--slice", f"{number}/{SHARDS}", "--seed", self.arguments.seed]
        self.shards[number] = Shard(words, self.directory / f"shard_{number}", resume)
        what = f"the start of shard {number}"
        wait_until(lambda: f"listens on port {port}" in self.shards[number].said(), 30, what, 0.005)

    def start_learner(self, number):
        """Each start in a directory of its own."""
        self.starts[number] = self.starts.get(number, 0) + 1
        places = [f"127.0.0.1:{port}" for port in [*self.ports[:-1], self.relay.port]]
        words = [self.arguments.program, "train", "--preset", self.arguments.preset, "--shards", *places]
        words += ["--workers", "1", "--round-steps", "200", "--learning-starts", "400", "--replay-capacity", "10000"]
        words += ["--schedule-steps", "1000000", "--max-steps", "1000000000", "--eval-episodes", "0"]
        words += ["--seed", self.arguments.seed + number, "--exchange-timeout", "1", "--name", f"learner_{number}"]
        self.learners[number] = Training(words, self.directory / f"learner_{number}.{self.starts[number]}")

    def go_on(self):
        """Seconds until each learner has made another round."""
        start, times = time.monotonic(), []
        waiting = {number: learner.updates() for number, learner in self.learners.items()}
        while waiting:
            for number, before in list(waiting.items()):
                self.learners[number].check_alive()
                if self.learners[number].updates() > before:
                    times.append(time.monotonic() - start)
                    del waiting[number]
            if time.monotonic() - start > BACK_S:
                raise Failure(f"learners {sorted(waiting)} did not go on within {BACK_S} s")
            time.sleep(0.002)
        return times

    def kill_shard(self, number):
        self.shards[number].kill_lead()
        self.start_shard(number, resume=True)
        return self.go_on()

    def freeze_shard(self, number, hold):
        self.shards[number].signal_all(signal.SIGSTOP)
        time.sleep(hold)
        self.shards[number].signal_all(signal.SIGCONT)
        return self.go_on()

    def kill_learner(self, number):
        """Returns how long a round of the others took meanwhile."""
        self.learners.pop(number).kill_all()
        took = self.go_on()
        self.start_learner(number)
        wait_until(lambda: self.learners[number].updates() >= 1, BACK_S, "a learner's first round")
        return took

    def end(self):
        """Learners first; returns the summaries of learners and of shards."""
        learners = [learner.end() for learner in self.learners.values()]
        return learners, [shard.end() for shard in self.shards.values()]

    def lost_steps(self):
        """Those of shards that came back from an older state, as the learners saw them."""
        said = "".join(path.read_text(errors="replace") for path in self.directory.glob("learner_*.log"))
        return [int(steps) for steps in re.findall(r"its last (\d+) steps are lost", said)]


def run(arguments, chance):
    """Kills, freezes and cuts off shards of a training with two shards and two learners, kills learners, and flips bits
    on their way."""
    figures = {name: [] for name in ("killed", "frozen", "cut", "learner")}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Group(arguments, directory) as group:
            for _ in range(arguments.times):
                number = chance.randint(1, SHARDS)
                figures["killed"] += group.kill_shard(number)
                figures["frozen"] += group.freeze_shard(number, arguments.hold)
                group.relay.cut()
                figures["cut"] += group.go_on()
                figures["learner"] += group.kill_learner(chance.randint(1, LEARNERS))
            learners, shards = group.end()
            lost_steps = group.lost_steps()
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Group(arguments, directory, arguments.flip_every) as group:
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end:
                group.go_on()
            flips = group.relay.flips.value
            _, damaged = group.end()
    report(
        "shards",
        {
            "times_of_each_fault": arguments.times,
            "learners_go_on_after_a_killed_shard_s": spread(figures["killed"]),
            "learners_go_on_after_a_frozen_shard_s": spread(figures["frozen"]),
            "learners_go_on_after_a_cut_s": spread(figures["cut"]),
            "a_round_of_the_others_after_a_killed_learner_s": spread(figures["learner"]),
            "steps_of_a_slice_lost_by_a_kill": spread(lost_steps, 0),
            "gradients_lost_by_the_last_learners": sum(each["lost_gradients"] for each in learners),
            "gradients_of_the_last_shards": [each["gradients"] for each in shards],
            "frames_refused_without_flipped_bits": sum(each["refused_frames"] for each in shards),
            "flipped_bits": flips,
            "frames_refused_with_flipped_bits": sum(each["refused_frames"] for each in damaged),
        },
    )
    if any(each["refused_frames"] for each in shards):
        raise Failure("a shard refused frames although no bit was flipped")
    if flips == 0:
        raise Failure("no bit was flipped: the run says nothing")


def add(subcommands):
    parser = subcommands.add_parser("shards", help="shards and their learners", description=run.__doc__)
    parser.add_argument("--times", type=int, default=5, metavar="N", help="of each fault; default: %(default)s")
    parser.add_argument("--hold", type=float, default=3, metavar="S", help="that a shard is frozen; default: %(default)s")
    parser.add_argument(
        "--flip-every", type=int, default=3_000_000, metavar="BYTES", help="a bit in so many bytes; default: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=20, metavar="S", help="that bits are flipped; default: %(default)s"
    )
    parser.set_defaults(fault=run, preset_default="dqn")
