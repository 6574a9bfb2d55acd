"""Everything at once, for long."""

import multiprocessing
import os
import signal
import tempfile
import time

from chaos_lib import peers
from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import Failure, memory_of, quantile, report, wait_until, workers_of
from chaos_lib.family import Family
from chaos_lib.peer import network_of

PARENT_KILLS = 3  # all in the first third: a new process starts at nothing
SAMPLE_S = 2
ENOUGH_SAMPLES = 100  # less than five minutes say nothing about growth


class Watch:
    """Samples of the processes that are never killed."""

    def __init__(self):
        self.samples = {}

    def take(self, name, pid, moment):
        try:
            self.samples.setdefault(name, []).append((moment, memory_of(pid)))
        except (OSError, KeyError):
            pass

    def growth(self):
        """By process and quantity: what it was in the first and the last quarter, and the slope by the hour."""
        figures, problems = {}, []
        if not self.samples:
            raise Failure("there is not one sample: give it more --minutes")
        for name, samples in self.samples.items():
            quarter = max(1, len(samples) // 4)
            hours = (samples[-1][0] - samples[0][0]) / 3600 or 1
            # Descriptors come and go with those who connect and never say hello; their most counts.
            for quantity, slack, share in (("rss_kib", 4096, 0.5), ("descriptors", 4, 1), ("threads", 0, 1)):
                first = quantile([sample[quantity] for _, sample in samples[:quarter]], share)
                last = quantile([sample[quantity] for _, sample in samples[-quarter:]], share)
                figures[f"{name}_{quantity}"] = {
                    "first_quarter": first,
                    "last_quarter": last,
                    "slope_per_hour": round((last - first) / (0.75 * hours), 1),
                }
                if last - first > slack and len(samples) >= ENOUGH_SAMPLES:
                    problems.append(f"{name}: {quantity} grew from {first} to {last}")
        return figures, problems


class Soak:
    def __init__(self, arguments, chance, family, relay):
        self.arguments, self.chance, self.family, self.relay = arguments, chance, family, relay
        self.counts = {}

    def faults(self):
        return (self.kill_worker, self.kill_child, self.freeze_child, self.cut_links)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def kill_worker(self):
        child = self.family.children[self.chance.choice(sorted(self.family.children))]
        found = sorted(workers_of(child.pid))
        if found:
            os.kill(self.chance.choice(found), signal.SIGKILL)
            self.count("workers_killed")

    def kill_child(self):
        """Never the first, which is watched."""
        victim = self.chance.choice(sorted(self.family.children)[1:])
        self.family.children[victim].kill_lead()
        self.family.start_child(victim)
        self.count("children_killed")

    def freeze_child(self):
        child = self.family.children[self.chance.choice(sorted(self.family.children)[1:])]
        child.signal_all(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.1, 3))
        child.signal_all(signal.SIGCONT)
        self.count("children_frozen")

    def cut_links(self):
        self.relay.cut()
        self.count("links_cut")

    def kill_parent(self):
        state = self.family.directory / "parent" / "state.safetensors"
        wait_until(state.exists, 60, "the Parent's checkpoint", 0.01)
        self.family.parent.kill_lead()
        self.family.check_checkpoints()
        time.sleep(self.chance.uniform(0, 2))
        self.family.start_parent(resume=True)
        self.count("parents_killed")


def soak(arguments, chance, family, relay):
    """Returns what was done, the samples, and how many updates were made."""
    work, watch = Soak(arguments, chance, family, relay), Watch()
    start = time.monotonic()
    length = 60 * arguments.minutes
    kills = [length / 3 * (i + 1) / (PARENT_KILLS + 1) for i in range(PARENT_KILLS)]
    next_sample = length / 3 + 5
    while (moment := time.monotonic() - start) < length:
        if kills and moment > kills[0]:
            kills.pop(0)
            work.kill_parent()
            watch.samples.clear()
            next_sample = max(next_sample, time.monotonic() - start + 10)
        chance.choice(work.faults())()
        pause = time.monotonic() + chance.uniform(0.2, 2 * arguments.pause)
        while time.monotonic() < pause:
            family.parent.check_alive()
            for child in family.children.values():
                child.check_alive()
            moment = time.monotonic() - start
            if moment > next_sample:
                next_sample = moment + SAMPLE_S
                watch.take("parent", family.parent.pid, moment)
                watch.take("child", family.children[1].pid, moment)
            time.sleep(0.1)
    return work.counts, watch


def solve(arguments, family):
    """Without faults the run must reach its target; returns the seconds it took."""
    family.parent.end()
    family.dial_port = family.port
    start = time.monotonic()
    more = ["--target", arguments.target, "--evaluate-every", "20"]
    family.start_parent(resume=True, more=more)
    for number in family.children:
        family.children[number].__exit__()
        family.start_child(number)
    _, end = family.wait_solved(arguments.target, arguments.solve_minutes)
    return end - start


def run(arguments, chance):
    """Kills, stops, cuts and hostile peers, mixed, for MINUTES; nothing may grow, and then it must solve again."""
    layout, weights = network_of(arguments)
    context = multiprocessing.get_context("fork")
    attackers = []
    # The watched two get no limit on crashes, and checkpoints all the time.
    child_words = ["--max-worker-crashes", "1000000", "--checkpoint-every", "50"]
    child_words += ["--max-steps", "100000000000"]
    parent_words = ["--checkpoint-every", "100", "--max-steps", "100000000000"]
    figures = {}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Family(
            arguments, directory, arguments.children, parent_words=parent_words, child_words=child_words
        ) as family:
            try:
                with ByteRelay(family.port, 0, arguments.seed) as relay:
                    family.dial_port = relay.port
                    family.start()
                    for attack in (peers.slow_readers, peers.slow_handshakes, peers.malformed_messages):
                        ready = context.Event()
                        target = context.Process(
                            target=until_ended, args=(attack, family.port, layout, weights, ready), daemon=True
                        )
                        target.start()
                        attackers.append(target)
                    counts, watch = soak(arguments, chance, family, relay)
            finally:
                for attacker in attackers:
                    attacker.kill()
                    attacker.join()
            family.check_parent_said_no_error()
            figures["minutes"] = arguments.minutes
            figures.update(counts)
            figures["checkpoints_read"] = family.check_checkpoints()
            figures["updates"] = family.parent.updates()
            growth, problems = watch.growth()
            figures.update(growth)
            if arguments.solve_minutes > 0:
                seconds = solve(arguments, family)
                figures["solved_after_the_faults_s"] = round(seconds, 1)
    report("soak", figures)
    if problems:
        raise Failure("; ".join(problems))


def until_ended(attack, *arguments):
    """An attacker that comes back when the Parent was away."""
    while True:
        try:
            attack(*arguments)
        except Exception:  # it is no part of what is tested
            time.sleep(1)


def add(subcommands):
    parser = subcommands.add_parser("soak", help="everything mixed, for MINUTES", description=run.__doc__)
    parser.add_argument("--minutes", type=float, default=120, metavar="M", help="default: %(default)s")
    parser.add_argument("--children", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--pause", type=float, default=2, metavar="SECONDS", help="between faults on average; default: %(default)s"
    )
    parser.add_argument("--target", type=float, default=200, metavar="RETURN", help="default: %(default)s")
    parser.add_argument(
        "--solve-minutes",
        type=float,
        default=30,
        metavar="M",
        help="to reach the target after the faults; 0: it need not; default: %(default)s",
    )
    parser.set_defaults(fault=run, preset_default="tuned")
