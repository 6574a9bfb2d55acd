"""One end of a WebSocket made of a plain socket, which sends what it is told to and checks what it gets."""

import base64
import hashlib
import os
import socket
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SECONDS = 10


class Violation(Exception):
    """The other end did not do what RFC 6455 asks for."""


def xor(data, mask):
    """`data` under a mask of four bytes."""
    if not data:
        return b""
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def make_frame(opcode, payload=b"", fin=True, rsv=0, mask=None, length=None, size_bytes=None):
    """The bytes of a frame. `length` lies about the size; `size_bytes` is 0, 2 or 8: how the size is written."""
    length = len(payload) if length is None else length
    if size_bytes is None:
        size_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    small = {0: length, 2: 126, 8: 127}[size_bytes]
    head = bytes([first, small | (0x80 if mask is not None else 0)])
    head += length.to_bytes(size_bytes, "big") if size_bytes else b""
    return head + (mask + xor(payload, mask) if mask is not None else payload)


def close_payload(code=None, reason=b""):
    return b"" if code is None else struct.pack(">H", code) + reason


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


class Peer:
    """`is_client`: this end dialled, so it masks and the other end must not; else the other way round."""

    def __init__(self, connection, is_client):
        self.connection = connection
        self.is_client = is_client
        self.buffer = b""
        connection.settimeout(SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- The handshake ----

    @classmethod
    def dial(cls, port, path="/"):
        peer = cls(socket.create_connection(("127.0.0.1", port), SECONDS), True)
        key = base64.b64encode(os.urandom(16))
        status, headers = peer.request(path, key=key)
        if status != 101 or headers.get("sec-websocket-accept") != accept_key(key).decode():
            raise Violation(f"the handshake was answered with {status}, {headers}")
        if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in headers.get("connection", "").lower():
            raise Violation(f"no Upgrade in the answer: {headers}")
        if "sec-websocket-extensions" in headers or "sec-websocket-protocol" in headers:
            raise Violation(f"what nobody asked for was agreed to: {headers}")
        return peer

    def request(self, path="/", key=b"dGhlIHNhbXBsZSBub25jZQ==", method="GET", http="1.1", more=b"", leave_out=()):
        """Asks for a WebSocket; returns the status and the headers of the answer."""
        headers = {
            "Host": b"127.0.0.1",
            "Upgrade": b"websocket",
            "Connection": b"Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": b"13",
        }
        lines = b"".join(n.encode() + b": " + v + b"\r\n" for n, v in headers.items() if n not in leave_out)
        self.connection.sendall(f"{method} {path} HTTP/{http}\r\n".encode() + lines + more + b"\r\n")
        return self.read_header()

    def read_header(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                raise Violation("the connection ended in the HTTP header")
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:]))
        words = lines[0].split()
        return (int(words[1]) if words[0].startswith("HTTP") else words[1]), headers

    # ---- Sending ----

    def raw(self, data, chop=None):
        """Bytes as they are; `chop`: so many at a time."""
        try:
            if chop is None:
                self.connection.sendall(data)
            else:
                for start in range(0, len(data), chop):
                    self.connection.sendall(data[start : start + chop])
        except OSError:
            pass  # the other end has had enough; what it said is read next

    def frame(self, opcode, payload=b"", chop=None, **fields):
        fields.setdefault("mask", os.urandom(4) if self.is_client else None)
        self.raw(make_frame(opcode, payload, **fields), chop)

    def close(self, code=None, reason=b""):
        self.frame(CLOSE, close_payload(code, reason))

    # ---- Receiving ----

    def fill(self):
        """False at the end of the connection."""
        try:
            data = self.connection.recv(1 << 18)
        except socket.timeout:
            raise Violation(f"nothing within {SECONDS} s") from None
        except ConnectionResetError:
            raise Violation("the connection was reset") from None
        self.buffer += data
        return bool(data)

    def need(self, count):
        parts = [self.buffer]
        have = len(self.buffer)
        while have < count:
            try:
                data = self.connection.recv(1 << 18)
            except socket.timeout:
                raise Violation(f"nothing within {SECONDS} s") from None
            except ConnectionResetError:
                raise Violation("the connection was reset") from None
            if not data:
                raise Violation("the connection ended where a frame was expected")
            parts.append(data)
            have += len(data)
        self.buffer = b"".join(parts)

    def read_frame(self):
        """(opcode, fin, payload) of a frame that is as RFC 6455 wants every frame to be."""
        self.need(2)
        first, second = self.buffer[0], self.buffer[1]
        opcode, fin, length, at = first & 15, bool(first & 0x80), second & 0x7F, 2
        if first & 0x70:
            raise Violation("a reserved bit is set in a frame that came")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Violation(f"a frame of opcode {opcode} came")
        if bool(second & 0x80) == self.is_client:
            raise Violation("a masked frame from a server" if self.is_client else "an unmasked frame from a client")
        if length >= 126:
            size = 2 if length == 126 else 8
            self.need(at + size)
            length = int.from_bytes(self.buffer[at : at + size], "big")
            at += size
            if length < (126 if size == 2 else 65536):
                raise Violation("a length in more bytes than it takes")
        if opcode >= 8 and (not fin or length > 125):
            raise Violation("a control frame that is fragmented or too long")
        mask = b""
        if not self.is_client:
            self.need(at + 4)
            mask = self.buffer[at : at + 4]
            at += 4
        self.need(at + length)
        payload = self.buffer[at : at + length]
        self.buffer = self.buffer[at + length :]
        return opcode, fin, xor(payload, mask) if mask else payload

    def next_event(self):
        """The next whole message or control frame, as (opcode, payload)."""
        parts, kind = [], None
        while True:
            opcode, fin, payload = self.read_frame()
            if opcode >= 8:
                if kind is not None and opcode == PING:
                    self.frame(PONG, payload)
                    continue
                return opcode, payload
            if (opcode == CONTINUATION) != (kind is not None):
                raise Violation("fragments out of order came")
            kind = kind or opcode
            parts.append(payload)
            if fin:
                return kind, b"".join(parts)

    def expect(self, opcode, payload):
        """Exactly this message or control frame comes next."""
        got, data = self.next_event()
        if got != opcode or data != payload:
            shown = data if len(data) < 60 else data[:60] + b"..."
            raise Violation(f"opcode {got} with {len(data)} bytes {shown!r} came, not {opcode} with {len(payload)}")

    def expect_close(self, codes, before=()):
        """A close frame with one of these codes comes next, but for some of the echoes `before`; then the end."""
        while True:
            opcode, payload = self.next_event()
            if opcode == CLOSE:
                break
            if (opcode, payload) not in before:
                raise Violation(f"opcode {opcode} came where a close frame with {codes} is due")
        code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
        payload[2:].decode("utf-8")
        if len(payload) == 1 or code not in codes:
            raise Violation(f"closed with {code}; expected one of {codes}")
        self.expect_end()

    def expect_end(self):
        """The server closes the connection first; nothing more comes.

        A reset is an end too: one that was sent more than it cares to read may close before it has read it.
        """
        try:
            if not self.is_client:
                self.connection.shutdown(socket.SHUT_WR)
            while not self.buffer and (data := self.connection.recv(1 << 18)):
                self.buffer += data
        except socket.timeout:
            raise Violation(f"the connection stays for {SECONDS} s") from None
        except OSError:
            pass
        if self.buffer:
            raise Violation(f"{self.buffer[:20]!r} after the close frame")

    def finish(self):
        """A clean end from this side."""
        self.close(1000)
        self.expect_close((1000,))

    def expect_fails(self, codes, before=()):
        """The connection is failed: with one of these codes."""
        self.expect_close(codes, before)
