"""A Child in plain Python: the wire format of docs/wire_format.md over a plain socket. It can also misbehave."""

import array
import base64
import ctypes
import json
import os
import socket
import struct
import subprocess
import tempfile
import pathlib

from chaos_lib.common import Failure, read_header

PROTOCOL = 1
HEADER = struct.Struct("<4sHHQQQQQdHHIQQ")
CHECKSUM_AT = 72
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class PeerGone(Exception):
    """The Parent ended the connection; `code` of the close frame, if one came."""

    def __init__(self, code=None):
        super().__init__(f"the connection ended ({code})")
        self.code = code


class Refused(Exception):
    """The Parent said why."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


def checksum(data):
    try:
        function = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    except OSError as error:
        raise Failure(f"libxxhash is missing ({error}); on Debian: apt-get install libxxhash0") from None
    function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    return function(bytes(data), len(data))


def network_of(arguments):
    """The layout and some weights of the program's network, as its own training writes them."""
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as name:
        run_dir = pathlib.Path(name) / "run"
        words = [arguments.program, "train", "--preset", arguments.preset, "--updates", "1", "--workers", "1"]
        words += ["--eval-episodes", "0", "--run-dir", str(run_dir)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        header, data, begin = read_header(run_dir / "final.safetensors")
    tensors = [(name, tensor) for name, tensor in header.items() if name != "__metadata__"]
    tensors.sort(key=lambda entry: entry[1]["data_offsets"])
    return [{"name": name, "shape": tensor["shape"]} for name, tensor in tensors], array.array("f", data[begin:])


def pack(session, sequence, update, payload, steps=0, episodes=0, mean_return=0.0, **changes):
    """A sound frame of a Child, but for the changes: magic, version, kind, dtype, size, checksum."""
    fields = {"magic": b"GKDM", "version": PROTOCOL, "kind": 2, "dtype": 1, "size": len(payload), **changes}
    header = HEADER.pack(
        fields["magic"], fields["version"], fields["kind"], session, sequence, update, steps, episodes,
        mean_return, fields["dtype"], 0, 0, fields["size"], 0,
    )
    digest = fields.get("checksum", checksum(header + payload))
    return header[:CHECKSUM_AT] + struct.pack("<Q", digest) + payload


def unpack(frame):
    """(session, sequence, update, payload); Failure when the frame is damaged."""
    if len(frame) < HEADER.size:
        raise Failure(f"a frame of {len(frame)} bytes from the Parent")
    magic, version, kind, session, sequence, update, *_rest, size, digest = HEADER.unpack_from(frame)
    zeroed = frame[:CHECKSUM_AT] + bytes(8) + frame[CHECKSUM_AT + 8 :]
    if (magic, version, kind) != (b"GKDM", PROTOCOL, 1) or size != len(frame) - HEADER.size:
        raise Failure(f"a wrong frame from the Parent: {frame[:80].hex()}")
    if digest != checksum(zeroed):
        raise Failure("a damaged frame from the Parent")
    return session, sequence, update, frame[HEADER.size :]


class Peer:
    """Blocking; every wait has a deadline."""

    def __init__(self, host, port, seconds=20):
        self.socket = socket.create_connection((host, port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host, self.port, self.buffer = host, port, b""
        self.session = self.update = self.sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.socket.close()

    # ---- WebSocket ----

    def fill(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            raise PeerGone() from None
        except socket.timeout:
            raise Failure("the Parent said nothing in time") from None
        if not data:
            raise PeerGone()
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def request(self, path="/genkidama/1", more=""):
        """Returns the status and the header of the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        header, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return int(header.split()[1]), header.decode("latin-1").lower()

    def open(self):
        token = os.environ.get("GENKIDAMA_TOKEN")
        status, _ = self.request(more=f"Authorization: Bearer {token}\r\n" if token else "")
        if status != 101:
            raise PeerGone(status)
        return self

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it said before is read next

    def frame(self, opcode, payload=b"", announced=None):
        length = len(payload) if announced is None else announced
        size = b"" if length < 126 else struct.pack(">H", length) if length < 65536 else struct.pack(">Q", length)
        small = length if length < 126 else 126 if length < 65536 else 127
        # A mask of zeros leaves the payload as it is.
        self.send(bytes([0x80 | opcode, 0x80 | small]) + size + bytes(4) + payload)

    def read(self):
        """The next whole message, (opcode, payload); pings are answered."""
        parts, kind = [], None
        while True:
            first, second = self.take(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
            payload = self.take(length)
            opcode = first & 15
            if opcode == PING:
                self.frame(PONG, payload)
            elif opcode == CLOSE:
                self.frame(CLOSE, payload[:2])
                raise PeerGone(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None)
            elif opcode != PONG:
                kind = kind or opcode
                parts.append(payload)
                if first & 0x80:
                    return kind, b"".join(parts)

    # ---- Protocol ----

    def message(self, **fields):
        self.frame(TEXT, json.dumps(fields).encode())

    def read_message(self):
        kind, payload = self.read()
        if kind != TEXT:
            raise Failure("a frame came where a text is due")
        message = json.loads(payload)
        if message["type"] == "refuse":
            raise Refused(message["code"], message["reason"])
        return message

    def hello(self, name, layout):
        self.message(type="hello", protocol=PROTOCOL, role="child", name=name, layout=layout)

    def join(self, name, layout):
        """Returns the Parent's weights as bytes."""
        self.open().hello(name, layout)
        self.session = self.read_message()["session"]
        return self.read_weights(0)

    def read_weights(self, sequence):
        kind, payload = self.read()
        if kind == TEXT:
            message = json.loads(payload)
            raise Refused(message.get("code", message["type"]), message.get("reason", ""))
        session, got, self.update, weights = unpack(payload)
        if (session, got) != (self.session, sequence):
            raise Failure(f"session {session}, sequence {got} came, not {self.session}, {sequence}")
        return weights

    def send_weights(self, payload, **changes):
        self.sequence += 1
        self.frame(BINARY, pack(self.session, self.sequence, self.update, payload, **changes))

    def exchange(self, payload):
        """Returns the Parent's weights after the merge."""
        self.send_weights(payload)
        return self.read_weights(self.sequence)

    def leave(self):
        self.message(type="leave", reason="done")
