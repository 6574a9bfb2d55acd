"""Flipped bits between Child and Parent."""

import array
import pathlib
import random
import tempfile
import time

from chaos_lib.byte_relay import ByteRelay
from chaos_lib.common import Failure, Training, report, wait_until
from chaos_lib.family import Family, free_port
from chaos_lib.peer import Peer, PeerGone, Refused, network_of


class Watcher:
    """Sends weights through the relay, and looks past it whether the Parent has others than were sent."""

    def __init__(self, arguments, relay_port, parent_port, layout, weights):
        self.frames, self.broken, self.merged = 0, 0, 0
        self.relay_port, self.parent_port, self.layout = relay_port, parent_port, layout
        self.weights = array.array("f", weights)
        self.sent = {}
        self.chance = random.Random(arguments.seed)

    def next_payload(self):
        """All frames differ."""
        index = self.chance.randrange(len(self.weights))
        self.weights[index] = self.chance.uniform(-1, 1)
        payload = self.weights.tobytes()
        self.sent[hash(payload)] = True
        return payload

    def send(self, count):
        while count > 0:
            try:
                with Peer("127.0.0.1", self.relay_port, 5) as peer:
                    first = peer.join("sender", self.layout)
                    self.sent.setdefault(hash(first), True)
                    while count > 0:
                        payload = self.next_payload()
                        self.frames += 1
                        count -= 1
                        answer = peer.exchange(payload)
                        if answer != payload:
                            raise Failure("the Parent answered with other weights than it was sent, at alpha 1")
            except (Refused, PeerGone, OSError, ValueError, KeyError) as _error:
                self.broken += 1
            except Failure as failure:
                # A damaged answer is noticed here, by its checksum; another one is the Parent's fault.
                if "other weights" in str(failure):
                    raise
                self.broken += 1

    def held_by_parent(self):
        """Broken links that are made anew use up the Parent's rate of new connections; then this one waits its turn."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with Peer("127.0.0.1", self.parent_port) as peer:
                    held = peer.join("observer", self.layout)
                    peer.leave()
                    return held
            except (PeerGone, OSError):
                if time.monotonic() > deadline:
                    raise Failure("the Parent lets nobody in any more") from None
                time.sleep(0.1)

    def check(self):
        """The Parent's weights are some that were sent, bit for bit."""
        held = self.held_by_parent()
        if hash(held) not in self.sent:
            raise Failure("the Parent holds weights that nobody sent")


def refusals_doubted(child):
    return child.said().count("times in a row, and it tries again")


def let_children_exchange(arguments, family):
    """Real Children behind flipped bits for a while.

    Returns flipped bits, exchanges, refusals not believed, and how many gave up.
    """
    family.start_parent()
    exchanges = gave_up = doubted = 0
    with ByteRelay(family.port, arguments.flip_every, arguments.seed) as relay:
        family.dial_port = relay.port
        for number in family.children:
            family.start_child(number)
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            time.sleep(0.2)
            for number, child in family.children.items():
                if child.process.poll() is None:
                    continue
                if " refused " not in child.said() and "was refused" not in child.said():
                    child.check_alive()
                gave_up += 1
                doubted += refusals_doubted(child)
                exchanges += family.exchanges(number)
                family.start_child(number)
        flips = relay.flips.value
        exchanges += sum(family.all_exchanges().values())
        doubted += sum(map(refusals_doubted, family.children.values()))
        family.end_children()
    family.check_checkpoints()
    family.check_parent_said_no_error()
    return flips, exchanges, doubted, gave_up


def run(arguments, _chance):
    """Flips bits between a sender and the Parent, and between Children and the Parent; none may be merged."""
    layout, weights = network_of(arguments)
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        directory = pathlib.Path(directory)
        port = free_port()
        words = [arguments.program, "parent", "--listen", f"127.0.0.1:{port}", "--preset", arguments.preset]
        # With alpha 1 a merge takes what was sent as it is.
        words += ["--eval-episodes", "0", "--alpha", "1", "--checkpoint-every", "1000000"]
        with Training(words, directory / "parent") as parent:
            wait_until(lambda: "listens on port" in parent.said(), 60, "the Parent's start")
            with Peer("127.0.0.1", port) as peer:
                first = peer.join("first", layout)
            with ByteRelay(port, arguments.flip_every, arguments.seed) as relay:
                watcher = Watcher(arguments, relay.port, port, layout, weights)
                watcher.sent[hash(first)] = True
                start = time.monotonic()
                while watcher.frames < arguments.frames:
                    watcher.send(min(100, arguments.frames - watcher.frames))
                    parent.check_alive()
                    watcher.check()
                took = time.monotonic() - start
                flips = relay.flips.value
            refused = parent.end()

        family_directory = directory / "family"
        family_directory.mkdir()
        with Family(arguments, family_directory, 2) as family:
            child_flips, exchanges, doubted, gave_up = let_children_exchange(arguments, family)
            family_summary = family.end()
    figures = {
        "frames_sent": watcher.frames,
        "seconds": round(took, 1),
        "flipped_bits": flips,
        "links_broken": watcher.broken,
        "frames_refused_by_the_parent": refused["refused_updates"],
        "damaged_weights_merged": 0,
        "children_flipped_bits": child_flips,
        "children_exchanges": exchanges,
        "children_refused_and_tried_again": doubted,
        "children_refused_for_good": gave_up,
        "children_frames_refused_by_the_parent": family_summary["refused_updates"],
    }
    report("corruption", figures)
    if flips == 0 or child_flips == 0:
        raise Failure("no bit was flipped: the run says nothing")
    if exchanges == 0:
        raise Failure("no Child made an exchange")
    if gave_up:
        raise Failure(f"{gave_up} Children gave up for good, although bits were flipped and nothing else was wrong")


def add(subcommands):
    parser = subcommands.add_parser("corruption", help="flipped bits on the way", description=run.__doc__)
    parser.add_argument("--frames", type=int, default=100_000, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--flip-every", type=int, default=200_000, metavar="BYTES", help="a bit in so many bytes; default: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=30, metavar="S", help="that Children train so; default: %(default)s"
    )
    parser.set_defaults(fault=run)
