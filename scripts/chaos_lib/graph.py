"""Peers in a ring, without a Parent."""

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


class Ring:
    """Each peer dials the one before it, and the last one also the first, each through a relay of its own."""

    def __init__(self, arguments, directory, flip_every=0):
        self.arguments, self.directory = arguments, pathlib.Path(directory)
        count = arguments.peers
        self.ports = [free_port() for _ in range(count)]
        edges = [(node, node - 1) for node in range(1, count)] + [(count - 1, 0)]
        self.relays = {edge: ByteRelay(self.ports[edge[1]], flip_every, arguments.seed) for edge in edges}
        self.peers = {}

    def __enter__(self):
        for node in range(self.arguments.peers):
            self.start(node)
        self.mix_again("the first exchanges")
        return self

    def __exit__(self, *exception):
        for peer in self.peers.values():
            peer.__exit__(*exception)
        for relay in self.relays.values():
            relay.__exit__(*exception)

    def start(self, node, resume=False):
        words = [self.arguments.program, "peer", "--listen", f"127.0.0.1:{self.ports[node]}", "--name", f"peer_{node}"]
        words += ["--mixing", self.arguments.mixing, "--exchange-timeout", "2", "--checkpoint-seconds", "1"]
        for edge, relay in self.relays.items():
            if edge[0] == node:
                words += ["--neighbour", f"127.0.0.1:{relay.port}"]
        if not resume:
            words += ["--preset", self.arguments.preset, "--workers", "1", "--seed", self.arguments.seed]
            words += ["--round-steps", "256", "--schedule", "constant", "--max-steps", "1000000000"]
            words += ["--eval-episodes", "0", "--max-worker-crashes", "1000000"]
        self.peers[node] = Training(words, self.directory / f"peer_{node}", resume)

    def go_on(self, nodes=None, rounds=2):
        """Seconds until each of these has made more rounds."""
        peers = {node: self.peers[node] for node in (self.peers if nodes is None else nodes)}
        return times_to_go_on(peers, rounds, BACK_S, "peers")

    def row(self, node):
        return last_row(self.peers[node].run_dir / "metrics.csv")

    def mix_again(self, what):
        """Seconds until each peer has both neighbours, and averages."""

        def all_mix():
            rows = [self.row(node) for node in self.peers]
            for peer in self.peers.values():
                peer.check_alive()
            return all(int(row.get("neighbours") or 0) == 2 and int(row.get("mixed") or 0) > 0 for row in rows)

        return wait_until(all_mix, BACK_S, what, 0.01)

    def kill(self, node):
        """And starts it again. The others' times, and those until all average again."""
        self.peers.pop(node).kill_all()
        others = self.go_on()
        self.start(node, resume=True)
        return others, self.mix_again("averaging after a killed peer came back")

    def freeze(self, node, hold):
        self.peers[node].signal_all(signal.SIGSTOP)
        others = self.go_on([each for each in self.peers if each != node])
        time.sleep(hold)
        self.peers[node].signal_all(signal.SIGCONT)
        return others, self.mix_again("averaging after a stopped peer went on")

    def divide(self, hold):
        """Nothing crosses between both halves, and nobody is told so."""
        half = self.arguments.peers // 2
        crossing = [relay for (a, b), relay in self.relays.items() if (a < half) != (b < half)]
        for relay in crossing:
            os.kill(relay.process.pid, signal.SIGSTOP)
        both = self.go_on()
        time.sleep(hold)
        for relay in crossing:
            os.kill(relay.process.pid, signal.SIGCONT)
        return both, self.mix_again("averaging after a partition")

    def end(self):
        return [peer.end() for peer in self.peers.values()]


def run(arguments, chance):
    """Kills and stops peers of a ring, cuts links, divides the ring into halves that hear nothing of each other, kills all
    peers but one, and flips bits on the way."""
    figures = {name: [] for name in ("killed", "frozen", "divided", "alone", "together_again")}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Ring(arguments, directory) as ring:
            for _ in range(arguments.times):
                times, again = ring.kill(chance.randrange(arguments.peers))
                figures["killed"] += times
                figures["together_again"].append(again)
                times, again = ring.freeze(chance.randrange(arguments.peers), arguments.hold)
                figures["frozen"] += times
                figures["together_again"].append(again)
                for relay in ring.relays.values():
                    relay.cut()
                figures["together_again"].append(ring.mix_again("averaging after all links were cut"))
                times, again = ring.divide(arguments.hold)
                figures["divided"] += times
                figures["together_again"].append(again)
            last = chance.randrange(arguments.peers)
            for node in [node for node in ring.peers if node != last]:
                ring.peers.pop(node).kill_all()
            figures["alone"] += ring.go_on([last], rounds=5)
            for node in range(arguments.peers):
                if node != last:
                    ring.start(node, resume=True)
            figures["together_again"].append(ring.mix_again("averaging after all peers but one were killed"))
            distances = [float(ring.row(node)["distance_max"]) for node in ring.peers]
            ring.end()
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        with Ring(arguments, directory, arguments.flip_every) as ring:
            end = time.monotonic() + arguments.seconds
            while time.monotonic() < end:
                ring.go_on()
            flips = sum(relay.flips.value for relay in ring.relays.values())
            ring.end()
    report(
        "graph",
        {
            "mixing": arguments.mixing,
            "times_of_each_fault": arguments.times,
            "round_of_others_after_kill_s": spread(figures["killed"]),
            "round_of_others_after_stop_s": spread(figures["frozen"]),
            "round_in_a_partition_s": spread(figures["divided"]),
            "rounds_of_the_last_one_s": spread(figures["alone"]),
            "all_average_again_s": spread(figures["together_again"]),
            "greatest_distance_at_the_end": round(max(distances), 4),
            "flipped_bits": flips,
        },
    )
    if flips == 0:
        raise Failure("no bit was flipped: the run says nothing")


def add(subcommands):
    parser = subcommands.add_parser("graph", help="kill, stop and divide peers that have no Parent", description=run.__doc__)
    parser.add_argument("--peers", type=int, default=4, metavar="N", help="in a ring; default: %(default)s")
    parser.add_argument("--mixing", default="diff-dac", metavar="RULE", help="default: %(default)s")
    add_times_and_flips(parser)
    parser.set_defaults(fault=run, preset_default="tuned")
