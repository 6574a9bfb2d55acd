"""Joins a live Parent from Python, with nothing but the wire format in common.

Usage: python_client.py PORT ALPHA, or python_client.py PORT rounds for a Parent whose Children make rounds
together. It joins with float32, and then with the codec int8-delta. Exit code 0: everything was as docs/wire_format.md says; 1: it was not; 77: a Python package is missing.
"""

import asyncio
import json
import struct
import sys

try:
    import websockets
    import xxhash
except ImportError as error:
    print(f"skipped: {error} (Debian: python3-websockets python3-xxhash)")
    sys.exit(77)

HEADER = struct.Struct("<4sHHQQQQQdHHIQQ")
CHECKSUM_AT = 72
PARENT_WEIGHTS, CHILD_WEIGHTS, CHILD_CHANGE = 1, 2, 3
FLOAT32, INT8_DELTA = 1, 5
LAYOUT = [{"name": "pi1.weight", "shape": [4, 3]}, {"name": "pi1.bias", "shape": [4]}]
SIZES = [4 * 3, 4]
COUNT = sum(SIZES)
EXCHANGES = 3


def layout_hash():
    data = b""
    for tensor in LAYOUT:
        name = tensor["name"].encode()
        data += struct.pack("<Q", len(name)) + name
        data += struct.pack(f"<{1 + len(tensor['shape'])}Q", len(tensor["shape"]), *tensor["shape"])
    return xxhash.xxh3_64_hexdigest(data)


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def floats(data):
    return list(struct.unpack(f"<{len(data) // 4}f", data))


class Float32:
    """One direction of a link, without a codec."""

    dtype = FLOAT32

    def write(self, values):
        return struct.pack(f"<{COUNT}f", *values)

    def read(self, data):
        assert len(data) == 4 * COUNT
        return floats(data)


class Int8Delta:
    """One direction of a link that began with `reference`, in the codec int8-delta."""

    dtype = INT8_DELTA

    def __init__(self, reference):
        self.reference = list(reference)

    def checksum(self):
        return xxhash.xxh3_64_intdigest(struct.pack(f"<{COUNT}f", *self.reference))

    def advance(self, scales, codes):
        tensors = [tensor for tensor, size in enumerate(SIZES) for _ in range(size)]
        for i, code in enumerate(codes):
            value = float32(self.reference[i] + float32(scales[tensors[i]] * code))
            self.reference[i] = value if abs(value) >= 2.0**-100 else 0.0

    def write(self, values):
        scales, codes, first = [], [], 0
        for size in SIZES:
            given = [float32(values[i] - self.reference[i]) for i in range(first, first + size)]
            scale = float32(max(abs(d) for d in given) / 127)
            scale = scale if scale >= 2.0**-100 else 0.0
            inverse = float32(1 / scale) if scale else 0.0
            scales.append(scale)
            codes += [round(float32(d * inverse)) for d in given]  # halves to even
            first += size
        data = struct.pack(f"<Q{len(SIZES)}f{COUNT}b", self.checksum(), *scales, *codes)
        self.advance(scales, codes)
        return data

    def read(self, data):
        assert len(data) == 8 + 4 * len(SIZES) + COUNT
        reference, *numbers = struct.unpack(f"<Q{len(SIZES)}f{COUNT}b", data)
        assert reference == self.checksum()
        self.advance(numbers[: len(SIZES)], numbers[len(SIZES) :])
        return list(self.reference)


def pack(session, sequence, update, weights, kind=CHILD_WEIGHTS, codec=Float32()):
    payload = codec.write(weights)
    if kind == CHILD_CHANGE:
        payload = struct.pack("<Q", 50) + payload
    header = HEADER.pack(b"GKDM", 1, kind, session, sequence, update, 50 * sequence, sequence,
                         -12.5, codec.dtype, 0, 0, len(payload), 0)
    checksum = xxhash.xxh3_64_intdigest(header + payload)
    return header[:CHECKSUM_AT] + struct.pack("<Q", checksum) + payload


def unpack(frame, session, sequence, codec=Float32()):
    (magic, version, kind, got_session, got_sequence, update, steps, episodes, mean_return, dtype, reserved_a,
     reserved_b, size, checksum) = HEADER.unpack_from(frame)
    assert (magic, version, kind, dtype) == (b"GKDM", 1, PARENT_WEIGHTS, codec.dtype), (kind, dtype)
    assert (got_session, got_sequence) == (session, sequence), (got_session, got_sequence)
    assert (steps, episodes, mean_return, reserved_a, reserved_b) == (0, 0, 0.0, 0, 0)
    assert size == len(frame) - HEADER.size
    zeroed = frame[:CHECKSUM_AT] + bytes(8) + frame[CHECKSUM_AT + 8:]
    assert checksum == xxhash.xxh3_64_intdigest(zeroed)
    return update, codec.read(frame[HEADER.size:])


async def refused(url):
    """A network that differs is refused by name."""
    async with websockets.connect(url) as link:
        hello = {"type": "hello", "protocol": 1, "role": "child", "name": "python",
                 "layout": [LAYOUT[0], {"name": "pi1.bias", "shape": [7]}]}
        await link.send(json.dumps(hello))
        answer = json.loads(await link.recv())
        assert answer["type"] == "refuse" and answer["code"] == "layout", answer
        assert "pi1.bias" in answer["reason"], answer


async def exchange(url, alpha):
    async with websockets.connect(url) as link:
        # Of the link itself before websockets 14.
        extensions = link.protocol.extensions if hasattr(link, "protocol") else link.extensions
        assert not extensions, extensions
        hello = {"type": "hello", "protocol": 1, "role": "child", "name": "python", "run_id": "",
                 "library": "python_client", "environment_steps": 0, "layout": LAYOUT,
                 "layout_hash": layout_hash(), "capabilities": [], "a_later_key": {"is": ["ignored"]}}
        await link.send(json.dumps(hello))
        welcome = json.loads(await link.recv())
        assert (welcome["type"], welcome["protocol"], welcome["role"]) == ("welcome", 1, "parent"), welcome
        session = welcome["session"]
        update, parent = unpack(await link.recv(), session, 0)
        assert update == welcome["update"]
        for sequence in range(1, EXCHANGES + 1):
            child = [float32(p + 0.25 * (i - 8) / sequence) for i, p in enumerate(parent)]
            await link.send(pack(session, sequence, update, child))
            update, merged = unpack(await link.recv(), session, sequence)
            assert update == sequence
            for p, c, m in zip(parent, child, merged):
                expected = (1 - alpha) * p + alpha * c
                assert abs(m - expected) < 1e-6, (m, expected)
            parent = merged
        await link.send(json.dumps({"type": "leave", "reason": "seen enough"}))
        await link.wait_closed()
        assert link.close_code == 1000, link.close_code


async def exchange_differences(url, alpha):
    """As exchange(), but in the codec int8-delta: a quarter of the bytes in each direction."""
    async with websockets.connect(url) as link:
        hello = {"type": "hello", "protocol": 1, "role": "child", "name": "python", "layout": LAYOUT,
                 "environment_steps": 150, "codec": "int8-delta"}
        await link.send(json.dumps(hello))
        welcome = json.loads(await link.recv())
        assert (welcome["type"], welcome["codec"]) == ("welcome", "int8-delta"), welcome
        session, told = welcome["session"], welcome["update"]
        update, parent = unpack(await link.recv(), session, 0)  # whole: both directions count from these
        up, down = Int8Delta(parent), Int8Delta(parent)
        for sequence in range(1, EXCHANGES + 1):
            child = [float32(p + 0.25 * (i - 8) / sequence) for i, p in enumerate(parent)]
            await link.send(pack(session, sequence, update, child, codec=up))
            update, answer = unpack(await link.recv(), session, sequence, down)
            assert update == told + sequence
            for p, c, r, m in zip(parent, child, up.reference, answer):
                assert abs(c - r) < 0.02, (c, r)
                assert abs(m - ((1 - alpha) * p + alpha * r)) < 0.02, (m, p, r)
            parent = answer
        await link.send(json.dumps({"type": "leave", "reason": "seen enough"}))
        await link.wait_closed()


async def join(link, name):
    hello = {"type": "hello", "protocol": 1, "role": "child", "name": name, "layout": LAYOUT, "exchange": "rounds"}
    await link.send(json.dumps(hello))
    welcome = json.loads(await link.recv())
    assert (welcome["type"], welcome["exchange"]) == ("welcome", "rounds"), welcome
    assert welcome["longest_wait_ms"] > 0, welcome
    update, weights = unpack(await link.recv(), welcome["session"], 0)
    return welcome["session"], update, weights


async def rounds(url):
    """Two Children that make rounds together: one that does not ask for it is refused."""
    async with websockets.connect(url) as link:
        hello = {"type": "hello", "protocol": 1, "role": "child", "name": "python", "layout": LAYOUT}
        await link.send(json.dumps(hello))
        answer = json.loads(await link.recv())
        assert answer["type"] == "refuse" and answer["code"] == "protocol", answer
        assert "'rounds'" in answer["reason"] and "'each'" in answer["reason"], answer
    async with websockets.connect(url) as one, websockets.connect(url) as two:
        session_one, update, parent = await join(one, "one")
        session_two, _, _ = await join(two, "two")
        for sequence in range(1, EXCHANGES + 1):
            change_one = [float32(0.25 * (i - 8) / sequence) for i in range(COUNT)]
            change_two = [float32(0.5 * (3 - i) / sequence) for i in range(COUNT)]
            await one.send(pack(session_one, sequence, update, change_one, CHILD_CHANGE))
            await two.send(pack(session_two, sequence, update, change_two, CHILD_CHANGE))
            update, merged = unpack(await one.recv(), session_one, sequence)
            assert (update, merged) == unpack(await two.recv(), session_two, sequence)
            assert update == sequence
            for p, a, b, m in zip(parent, change_one, change_two, merged):
                assert abs(m - (p + 0.5 * (a + b))) < 1e-6, (m, p, a, b)
            parent = merged


async def main():
    url = f"ws://127.0.0.1:{sys.argv[1]}/genkidama/1"
    if sys.argv[2] == "rounds":
        await rounds(url)
    else:
        await refused(url)
        await exchange(url, float(sys.argv[2]))
        await exchange_differences(url, float(sys.argv[2]))
    print("ok")


asyncio.run(asyncio.wait_for(main(), 60))
