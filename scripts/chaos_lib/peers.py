"""Hostile and useless peers of a Parent, next to an honest one."""

import array
import json
import multiprocessing
import pathlib
import random
import socket
import tempfile
import time

from chaos_lib.common import Failure, Training, memory_of, quantile, report, wait_until
from chaos_lib.family import free_port
from chaos_lib.peer import BINARY, TEXT, Peer, PeerGone, Refused, network_of, pack

SLOW_READERS, LORISES, IDLE = 20, 200, 1000


# ---- What an attacker does until its process is ended; each is told by `ready` when it is at it ---------------------


def slow_readers(port, layout, weights, ready):
    """Join, send weights every second, and read 1 KB/s of the answers."""
    payload = weights.tobytes()

    def join(number):
        peer = Peer("127.0.0.1", port, 2)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.join(f"slow_{number}", layout)
        return peer

    peers = [join(number) for number in range(SLOW_READERS)]
    ready.set()
    while True:
        time.sleep(1)
        for number, peer in enumerate(peers):
            try:
                peer.send_weights(payload)
                if not peer.socket.recv(1024):
                    raise ConnectionError
            except OSError:  # it was cut off, as it should be: another one comes
                peer.socket.close()
                try:
                    peers[number] = join(number)
                except (OSError, PeerGone, Refused, Failure):
                    pass


def slow_handshakes(port, _layout, _weights, ready):
    """One byte of an HTTP request a second, on many connections."""
    sockets = []
    request = b"GET /genkidama/1 HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 4000
    ready.set()
    for position in range(len(request)):
        while len(sockets) < LORISES:
            try:
                sockets.append(socket.create_connection(("127.0.0.1", port), 1))
            except OSError:
                break
        for connection in list(sockets):
            try:
                connection.send(request[position : position + 1])
            except OSError:
                sockets.remove(connection)
        time.sleep(1)


def idle_connections(port, _layout, _weights, ready):
    """A thousand connections that say nothing; of those that are closed, 100 a second are opened anew."""
    sockets = []
    more = IDLE
    while True:
        for connection in list(sockets):
            try:
                connection.setblocking(False)
                if connection.recv(1) == b"":
                    raise ConnectionError
            except BlockingIOError:
                pass
            except OSError:
                connection.close()
                sockets.remove(connection)
        for _ in range(min(more, IDLE - len(sockets))):
            try:
                sockets.append(socket.create_connection(("127.0.0.1", port), 1))
            except OSError:
                break
        more = 100
        ready.set()
        time.sleep(1)


def malformed_messages(port, layout, weights, ready):
    """What refusals() tries, again and again."""
    ready.set()
    while True:
        for _name, attempt in refusals(layout, weights):
            try:
                with Peer("127.0.0.1", port, 5) as peer:
                    attempt(peer)
            except (OSError, PeerGone, Refused, Failure):
                pass
            time.sleep(0.05)


# ---- Each is refused with a word ------------------------------------------------------------------------------------


def refusals(layout, weights):
    """(name, what a Peer does, which must end in Refused, or in PeerGone with a code)."""
    payload = weights.tobytes()

    def first_text(text):
        def attempt(peer):
            peer.open().frame(TEXT, text)
            peer.read_message()

        return attempt

    def announced(opcode, length, joined):
        def attempt(peer):
            if joined:
                peer.join("large", layout)
            else:
                peer.open()
            peer.frame(opcode, b"", announced=length)
            peer.read()

        return attempt

    def weights_so(data=payload, **changes):
        def attempt(peer):
            peer.join("wrong", layout)
            peer.send_weights(data, **changes)
            peer.read_weights(peer.sequence)

        return attempt

    def not_finite(value):
        spoilt = array.array("f", weights)
        spoilt[len(spoilt) // 2] = value
        name = f"spoilt {random.random()}"  # that one is in quarantine afterwards

        def attempt(peer):
            peer.join(name, layout)
            peer.exchange(spoilt.tobytes())

        return attempt

    def repeated(peer):
        peer.join("twice", layout)
        peer.exchange(payload)
        peer.frame(BINARY, pack(peer.session, peer.sequence, peer.update, payload))
        peer.read_weights(peer.sequence)

    def other_session(peer):
        peer.join("elsewhere", layout)
        peer.frame(BINARY, pack(peer.session + 1, 1, peer.update, payload))
        peer.read_weights(1)

    def hello(**changes):
        fields = {"type": "hello", "protocol": 1, "role": "child", "name": "x", "layout": layout, **changes}
        return first_text(json.dumps(fields).encode())

    yield "8-EiB message announced", announced(BINARY, 1 << 63, True)
    yield "8-EiB message less a byte announced", announced(BINARY, (1 << 63) - 1, True)
    yield "weights 1 byte too large announced", announced(BINARY, 80 + len(payload) + 5000, True)
    yield "text of 2 MiB announced before the hello", announced(TEXT, 2 << 20, False)
    yield "frame cut short", weights_so(payload[:-4])
    yield "frame of no weights", weights_so(b"")
    yield "wrong checksum", weights_so(checksum=1)
    yield "wrong magic", weights_so(magic=b"GKDN")
    yield "wrong version", weights_so(version=9)
    yield "wrong type", weights_so(kind=1)
    yield "wrong element type", weights_so(dtype=2)
    yield "wrong size", weights_so(size=2**64 - 1)
    yield "NaN", not_finite(float("nan"))
    yield "infinity", not_finite(float("inf"))
    yield "huge norm", not_finite(3e38)
    yield "repeated frame", repeated
    yield "frame of another session", other_session
    yield "no JSON", first_text(b"hello")
    yield "JSON cut short", first_text(b'{"type": "hello", "protocol": 1')
    yield "JSON 10,000 deep", first_text(b"[" * 10_000)
    yield "a key twice", first_text(b'{"type": "hello", "type": "hello"}')
    yield "unknown message", first_text(b'{"type": "shutdown"}')
    yield "bytes that are no UTF-8", first_text(b"\xff\xfe")
    yield "another protocol", hello(protocol=99)
    yield "a Parent", hello(role="parent")
    yield "another network", hello(layout=[{"name": "other", "shape": [3]}])
    yield "a layout of 2^62 weights", hello(layout=[{"name": "huge", "shape": [1 << 31, 1 << 31]}])
    yield "20,000 tensors", hello(layout=[{"name": f"t{i}", "shape": [1]} for i in range(20_000)])


def check_refusals(port, layout, weights):
    """Returns how many were refused."""
    count = 0
    for name, attempt in refusals(layout, weights):
        try:
            with Peer("127.0.0.1", port) as peer:
                attempt(peer)
        except Refused:
            count += 1
            continue
        except PeerGone as gone:
            if gone.code in (1002, 1007, 1009):
                count += 1
                continue
            raise Failure(f"{name}: the connection ended without a reason ({gone.code})") from None
        raise Failure(f"{name}: the Parent took it")
    with Peer("127.0.0.1", port) as peer:
        status, header = peer.request(more="Sec-WebSocket-Extensions: permessage-deflate\r\n")
        if status != 101 or "sec-websocket-extensions" in header:
            raise Failure("the Parent took an offer of compression")
    return count + 1


# ---- The honest one -------------------------------------------------------------------------------------------------


class Honest:
    def __init__(self, port, layout):
        self.port, self.layout = port, layout
        self.peer = Peer("127.0.0.1", port)
        self.weights = self.peer.join("honest", layout)

    def exchange_for(self, seconds, pause):
        """Milliseconds of each exchange."""
        times = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.perf_counter()
            self.weights = self.peer.exchange(self.weights)
            times.append(1e3 * (time.perf_counter() - start))
            time.sleep(pause)
        return times


def run(arguments, _chance):
    """Attacks a Parent while an honest peer exchanges weights with it: that one must not feel it."""
    figures, ratios = {}, {}
    layout, weights = network_of(arguments)
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        port = free_port()
        words = [arguments.program, "parent", "--listen", f"127.0.0.1:{port}", "--preset", arguments.preset]
        words += ["--eval-episodes", "0", "--checkpoint-every", "1000000"]
        with Training(words, pathlib.Path(directory) / "parent") as parent:
            wait_until(lambda: "listens on port" in parent.said(), 60, "the Parent's start")
            figures["refused_with_a_word"] = check_refusals(port, layout, weights)
            honest = Honest(port, layout)
            honest.exchange_for(2, 0.002)
            figures["parent_before"] = memory_of(parent.pid)
            for attack in (slow_readers, slow_handshakes, idle_connections, malformed_messages):
                before = honest.exchange_for(arguments.seconds / 2, 0.002)
                ready = context.Event()
                attacker = context.Process(target=attack, args=(port, layout, weights, ready), daemon=True)
                attacker.start()
                try:
                    if not ready.wait(60):
                        raise Failure(f"{attack.__name__} could not begin")
                    during = honest.exchange_for(arguments.seconds, 0.002)
                    parent.check_alive()
                    memory = memory_of(parent.pid)
                finally:
                    attacker.kill()
                    attacker.join()
                time.sleep(1)
                before += honest.exchange_for(arguments.seconds / 2, 0.002)
                ratio = quantile(during, 0.99) / quantile(before, 0.99)
                ratios[attack.__name__] = ratio
                figures[attack.__name__] = {
                    "p99_ms_without": round(quantile(before, 0.99), 3),
                    "p99_ms": round(quantile(during, 0.99), 3),
                    "ratio": round(ratio, 2),
                    "exchanges": len(during),
                    "rss_kib": memory["rss_kib"],
                    "descriptors": memory["descriptors"],
                }
            honest.peer.leave()
            figures["parent_after"] = memory_of(parent.pid)
            summary = parent.end()
    figures["parent_refused_peers"] = summary["refused_peers"]
    figures["parent_refused_updates"] = summary["refused_updates"]
    report("peers", figures, {name: f"ratio at most {arguments.limit}" for name in ratios})
    grown = figures["parent_after"]["peak_kib"] - figures["parent_before"]["rss_kib"]
    if grown > 1024 * arguments.memory:
        raise Failure(f"the Parent's memory grew by {grown} KiB")
    for name, ratio in ratios.items():
        if ratio > arguments.limit:
            raise Failure(f"{name}: the honest peer's p99 is {ratio:.2f} times what it is without")


def add(subcommands):
    parser = subcommands.add_parser("peers", help="slow, idle, huge and malformed peers", description=run.__doc__)
    parser.add_argument(
        "--seconds", type=float, default=30, metavar="S", help="of each attack, and without; default: %(default)s"
    )
    parser.add_argument(
        "--limit", type=float, default=1.2, metavar="RATIO", help="of the honest peer's p99; default: %(default)s"
    )
    parser.add_argument(
        "--memory", type=float, default=64, metavar="MIB", help="that the Parent may grow by; default: %(default)s"
    )
    parser.set_defaults(fault=run)
