"""What a widely used public suite for RFC 6455 sends and cases.py does not, by the sections of that suite.

Written after what its cases do; the suite itself is not part of this. Where it takes a laxer behaviour as "not strict",
these cases do not take it: the echo of a sound message must come before what follows it is refused, and text that is no
UTF-8 must be refused before the rest of it has come.
"""

import socket

from cases import BINARY, CASES, CLOSE, CONTINUATION, KOSME, NOT_UTF8, PING, PROTOCOL, TEXT, add, body, case, large
from cases import invalid_text, message_then_close, valid_text
from peer import PONG, Violation, close_payload, make_frame

KINDS = ((TEXT, "text"), (BINARY, "binary"))
QUIET_SECONDS = 0.2


def frames_of(peer, frames):
    """The bytes of (opcode, payload, fin, rsv) one after the other."""
    mask = b"\1\2\3\4" if peer.is_client else None
    return b"".join(make_frame(o, p, fin=fin, rsv=rsv, mask=mask) for o, p, fin, rsv in frames)


def echo_then_fail(frames, chop, peer):
    """The first frame is a sound message: its echo, then the end, and no answer to what follows."""
    peer.raw(frames_of(peer, frames), chop)
    peer.expect(frames[0][0], frames[0][1])
    peer.expect_fails(PROTOCOL)


def only_fail(frames, chop, peer):
    peer.raw(frames_of(peer, frames), chop)
    peer.expect_fails(PROTOCOL)


def silent(peer):
    """Nothing is said for a moment; a slow end is taken for a silent one, never the other way round."""
    timeout = peer.connection.gettimeout()
    peer.connection.settimeout(QUIET_SECONDS)
    try:
        data = peer.connection.recv(1)
        raise Violation(f"{data!r} came where nothing is due yet" if data else "closed where nothing was wrong yet")
    except socket.timeout:
        pass
    finally:
        peer.connection.settimeout(timeout)


# ---- 3: reserved bits ----

SOUND = (TEXT, b"a sound message", True, 0)
ASK = (PING, b"", True, 0)
for rsv in range(1, 8):
    for chop in (None, 1):
        how = "in chops of 1" if chop else "at once"
        frames = [SOUND, (TEXT, b"another one", True, rsv), ASK]
        add(f"suite 3: a sound text, one with reserved bits {rsv}, and a ping, {how}", echo_then_fail, frames, chop)

# ---- 4: opcodes ----

for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    for payload in (b"", b"payload"):
        for chop in (None, 1):
            how = f"with {len(payload)} bytes, and a ping, {'in chops of 1' if chop else 'at once'}"
            frames = [SOUND, (opcode, payload, True, 0), ASK]
            add(f"suite 4: a sound text, opcode {opcode} {how}", echo_then_fail, frames, chop)

# ---- 5: fragments ----

for chop in (None, 1):
    how = "in chops of 1" if chop else "at once"
    for opcode, name in ((PING, "ping"), (PONG, "pong")):
        frames = [(opcode, b"one", False, 0), (CONTINUATION, b"two", True, 0)]
        add(f"suite 5: a {name} in two fragments, {how}", only_fail, frames, chop)
    for fin in (True, False):
        of_nothing = (CONTINUATION, b"of nothing", fin, 0)
        final = "final" if fin else "not final"
        add(f"suite 5: a {final} continuation of nothing, then a text, {how}", only_fail, [of_nothing, SOUND], chop)
        frames = [of_nothing, (TEXT, b"one", False, 0), (CONTINUATION, b"two", True, 0)] * 2
        add(f"suite 5: twice a {final} continuation of nothing and a text in fragments, {how}", only_fail, frames, chop)
    frames = [(TEXT, b"one", False, 0), (TEXT, b"two", True, 0)]
    add(f"suite 5: two texts as if they were fragments, {how}", only_fail, frames, chop)


def message_then_continuation(chop, peer):
    frames = [(TEXT, b"one", False, 0), (CONTINUATION, b"two", True, 0)]
    frames += [(CONTINUATION, b"three", False, 0), (TEXT, b"four", True, 0)]
    peer.raw(frames_of(peer, frames), chop)
    peer.expect(TEXT, b"onetwo")
    peer.expect_fails(PROTOCOL)


def pings_in_five_fragments(chop, peer):
    """The first ping is answered before the message goes on."""
    first = [(TEXT, b"1", False, 0), (CONTINUATION, b"2", False, 0), (PING, b"first", True, 0)]
    peer.raw(frames_of(peer, first), chop)
    peer.expect(PONG, b"first")
    rest = [(CONTINUATION, b"3", False, 0), (CONTINUATION, b"4", False, 0)]
    rest += [(PING, b"second", True, 0), (CONTINUATION, b"5", True, 0)]
    peer.raw(frames_of(peer, rest), chop)
    peer.expect(PONG, b"second")
    peer.expect(TEXT, b"12345")
    peer.finish()


def text_in_fragments(with_ping, chop, peer):
    between = [(PING, b"between", True, 0)] if with_ping else []
    peer.raw(frames_of(peer, [(TEXT, b"one", False, 0), *between, (CONTINUATION, b"two", True, 0)]), chop)
    if with_ping:
        peer.expect(PONG, b"between")
    peer.expect(TEXT, b"onetwo")
    peer.finish()


for chop in (None, 1):
    how = "in chops of 1" if chop else "at once"
    add(f"suite 5: a text in fragments, a continuation of nothing, a text, {how}", message_then_continuation, chop)
    add(f"suite 5: five fragments with two pings, {how}", pings_in_five_fragments, chop)
    add(f"suite 5: two fragments, {how}", text_in_fragments, False, chop)
    add(f"suite 5: two fragments and a ping, {how}", text_in_fragments, True, chop)

# ---- 6: UTF-8 ----


def in_fragments_of_1(payload, peer):
    for i in range(len(payload)):
        peer.frame(CONTINUATION if i else TEXT, payload[i : i + 1], fin=i + 1 == len(payload))
    peer.expect(TEXT, payload)
    peer.finish()


def empty_around(peer):
    for i, part in enumerate((b"", b"middle", b"")):
        peer.frame(CONTINUATION if i else TEXT, part, fin=i == 2)
    peer.expect(TEXT, b"middle")
    peer.finish()


add("suite 6: a text between two empty fragments", empty_around)
LATIN = "Z\u00fcrich, \u00c6r\u00f8, \u00b5, \u00df".encode()
for name, text in (("a Greek word", KOSME), ("Latin letters", LATIN), ("emoji", "\U0001f642\U0001f643".encode())):
    add(f"suite 6: {name} in fragments of 1 byte", in_fragments_of_1, text)

for point in (0x24, 0xA2, 0x20AC, 0x24B62, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC):
    add(f"suite 6: U+{point:04X} between letters", valid_text, b"a" + chr(point).encode() + b"b")

SHORT = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80"]
SHORT += [b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
WRONG = {f"{part.hex()} without its last byte": part for part in SHORT}
WRONG["all of those in a row"] = b"".join(SHORT)
WRONG["4 continuations"] = b"\x80\xbf\x80\xbf"
WRONG["5 continuations"] = b"\x80\xbf\x80\xbf\x80"
WRONG["first bytes of 5, each before a blank"] = b"".join(bytes([b, 0x20]) for b in range(0xF8, 0xFC))
WRONG["first bytes of 6, each before a blank"] = b"".join(bytes([b, 0x20]) for b in range(0xFC, 0xFE))
WRONG["overlong of 5 bytes, the largest"] = b"\xf8\x87\xbf\xbf\xbf"
WRONG["overlong of 6 bytes, the largest"] = b"\xfc\x83\xbf\xbf\xbf\xbf"
WRONG["overlong NUL of 5 bytes"] = b"\xf8\x80\x80\x80\x80"
WRONG["overlong NUL of 6 bytes"] = b"\xfc\x80\x80\x80\x80\x80"
WRONG["surrogate DB80"] = b"\xed\xae\x80"
WRONG["surrogate DF80"] = b"\xed\xbe\x80"
for high in (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"):
    for low in (b"\xed\xb0\x80", b"\xed\xbf\xbf"):
        WRONG[f"surrogates {high.hex()} {low.hex()}"] = high + low
for name, text in WRONG.items():
    add(f"suite 6: {name}", invalid_text, text, False)


def refused_at_the_second_part(parts, in_one_frame, peer):
    """The first part is sound and is waited upon; the second makes the text wrong; the rest never comes."""
    if in_one_frame:
        whole = frames_of(peer, [(TEXT, b"".join(parts) + b"the rest of it", True, 0)])
        head = len(whole) - len(b"".join(parts)) - len(b"the rest of it")
        cut = head + len(parts[0])
        peer.raw(whole[:cut])
        silent(peer)
        peer.raw(whole[cut : cut + len(parts[1])])
    else:
        peer.frame(TEXT, parts[0], fin=False)
        peer.frame(PING, b"still there?")
        peer.expect(PONG, b"still there?")
        peer.frame(CONTINUATION, parts[1], fin=False)
    peer.expect_fails(NOT_UTF8)


BEYOND = ("beyond Unicode", (KOSME, b"\xf4\x90\x80\x80"))
for name, parts in (BEYOND, ("half a character", (KOSME + b"\xf4", b"\x90"))):
    add(f"suite 6: {name}, refused at the second of three fragments", refused_at_the_second_part, parts, False)
    add(f"suite 6: {name}, refused at the second of three chops of a frame", refused_at_the_second_part, parts, True)

# ---- 7: closing ----


@case("suite 7: a fragment, a close, the rest of the message")
def _(peer):
    frames = [(TEXT, b"one", False, 0), (CLOSE, close_payload(1000), True, 0), (CONTINUATION, b"two", True, 0)]
    peer.raw(frames_of(peer, frames))
    peer.expect_close((1000,))


@case("suite 7: 256 KiB, a small text, a close, a ping")
def _(peer):
    large_text = body(TEXT, 1 << 18)
    frames = [(TEXT, large_text, True, 0), (TEXT, b"small", True, 0), (CLOSE, close_payload(1000), True, 0), ASK]
    peer.raw(frames_of(peer, frames))
    peer.expect(TEXT, large_text)
    peer.expect(TEXT, b"small")
    peer.expect_close((1000,))


@case("suite 7: a reason with a surrogate between words")
def _(peer):
    peer.close(1000, KOSME + b"\xed\xa0\x80" + b"more")
    peer.expect_close(PROTOCOL + NOT_UTF8)


for kind, name in KINDS:
    add(f"suite 7: right after {name} of 256 bytes, which comes back", message_then_close, kind, 256)

# ---- 9: limits and performance ----


def round_trips(kind, size, peer):
    payload = body(kind, size)
    for _ in range(1000):
        peer.frame(kind, payload)
        peer.expect(kind, payload)
    peer.finish()


for kind, name in KINDS:
    for size in (1 << 18, 8 << 20):
        add(f"suite 9: {name} of {size} bytes", large, kind, size, None, None)
    for fragment in (256, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20):
        add(f"suite 9: {name} of 4 MiB in fragments of {fragment}", large, kind, 4 << 20, fragment, None)
    for chop in (64, 128, 256, 512, 1024, 2048):
        add(f"suite 9: {name} of 1 MiB in chops of {chop}", large, kind, 1 << 20, None, chop)
    for size in (0, 16, 64, 256, 1024, 4096):
        add(f"suite 9: 1,000 times {name} of {size} bytes there and back", round_trips, kind, size)

# ---- 10: automatic fragments ----

for kind, name in KINDS:
    add(f"suite 10: {name} of 65536 bytes in fragments of 1300", large, kind, 65536, 1300, None)

assert len(set(name for name, _ in CASES)) == len(CASES)
