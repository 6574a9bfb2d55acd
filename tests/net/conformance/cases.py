"""The cases, for either end. Each is a function of a Peer whose other end sends every message back.

What a case asks for is strict where RFC 6455 is. Where the RFC leaves a choice, all allowed ones are taken; such cases
say so.
"""

import functools
import threading

from peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Violation, close_payload, make_frame

PROTOCOL, NOT_UTF8, TOO_BIG = (1002,), (1007,), (1009,)
NAMES = {TEXT: "text", BINARY: "binary"}
CASES = []  # (name, function of a Peer)
LARGEST = 64 << 20  # of the echo programs


def add(name, function, *arguments):
    CASES.append((name, functools.partial(function, *arguments)))


def case(name):
    def register(function):
        add(name, function)
        return function

    return register


def body(kind, size):
    """So many bytes; as text they are ASCII."""
    return b"*" * size if kind == TEXT else (bytes(range(256)) * (size // 256 + 1))[:size]


def echoed(peer, kind, payload, chop=None):
    peer.frame(kind, payload, chop)
    peer.expect(kind, payload)


# ---- Framing (5.2) --------------------------------------------------------------------------------------------------


def message(kind, size, chop, peer):
    echoed(peer, kind, body(kind, size), chop)
    peer.finish()


SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536)
for kind in (TEXT, BINARY):
    for size in SIZES:
        add(f"framing: {NAMES[kind]} of {size} bytes", message, kind, size, None)
        add(f"framing: {NAMES[kind]} of {size} bytes in chops of 997", message, kind, size, 997)
    for size in (0, 1, 125, 126, 127, 128, 65536):
        add(f"framing: {NAMES[kind]} of {size} bytes in chops of 1", message, kind, size, 1)


def messages_in_a_row(kind, count, size, peer):
    payloads = [body(kind, size)[: size - 4] + b"%04d" % i for i in range(count)]
    if size > 10_000:
        for payload in payloads:
            echoed(peer, kind, payload)
    else:
        for payload in payloads:
            peer.frame(kind, payload)
        for payload in payloads:
            peer.expect(kind, payload)
    peer.finish()


for kind in (TEXT, BINARY):
    add(f"framing: 100 {NAMES[kind]} messages before any is read", messages_in_a_row, kind, 100, 300)
    add(f"framing: 1,000 small {NAMES[kind]} messages before any is read", messages_in_a_row, kind, 1000, 20)
    add(f"framing: 20 large {NAMES[kind]} messages", messages_in_a_row, kind, 20, 200_000)


def messages_both_ways(kind, count, size, peer):
    """Sent on and on, whatever has come back: the other end can send none at once, and may lose none."""
    payloads = [b"%04d" % i + body(kind, size) for i in range(count)]

    def send():
        for payload in payloads:
            peer.frame(kind, payload)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for payload in payloads:
        peer.expect(kind, payload)
    sender.join()
    peer.finish()


for kind in (TEXT, BINARY):
    label = f"framing: 60 {NAMES[kind]} messages of 300 kB sent while they come back"
    add(label, messages_both_ways, kind, 60, 300_000)


def both_kinds(peer):
    for i in range(20):
        peer.frame(TEXT, b"text %d" % i)
        peer.frame(BINARY, b"binary %d" % i)
    for i in range(20):
        peer.expect(TEXT, b"text %d" % i)
        peer.expect(BINARY, b"binary %d" % i)
    peer.finish()


add("framing: text and binary by turns", both_kinds)


def long_length(kind, size, size_bytes, peer):
    peer.frame(kind, body(kind, size), size_bytes=size_bytes)
    peer.expect_fails(PROTOCOL)


for size, size_bytes in ((0, 2), (5, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)):
    add(f"framing: {size} bytes with a length in {size_bytes} bytes", long_length, BINARY, size, size_bytes)


def announced(kind, length, codes, peer):
    peer.frame(kind, b"", length=length)
    peer.expect_fails(codes)


for kind in (TEXT, BINARY):
    for length in (LARGEST + 1, 1 << 32, (1 << 62) + 5):
        add(f"limits: {NAMES[kind]} of {length} bytes announced", announced, kind, length, TOO_BIG)
    # The first bit must be 0; an end that looks at its limit first says so.
    add(f"limits: {NAMES[kind]} of 2^64-1 bytes announced", announced, kind, (1 << 64) - 1, PROTOCOL + TOO_BIG)
    add(f"limits: {NAMES[kind]} of 2^63 bytes announced", announced, kind, 1 << 63, PROTOCOL + TOO_BIG)


@case("limits: fragments that are too large together")
def _(peer):
    peer.frame(BINARY, body(BINARY, 1000), fin=False)
    peer.frame(CONTINUATION, b"", length=LARGEST - 999)
    peer.expect_fails(TOO_BIG)


# ---- Masks (5.3) ----------------------------------------------------------------------------------------------------


def wrong_mask(opcode, payload, peer):
    peer.frame(opcode, payload, mask=None if peer.is_client else b"\x01\x02\x03\x04")
    peer.expect_fails(PROTOCOL)


for opcode, payload, name in (
    (TEXT, b"text", "text"),
    (TEXT, b"", "empty text"),
    (BINARY, b"binary", "binary"),
    (PING, b"ping", "ping"),
    (PONG, b"", "pong"),
    (CLOSE, close_payload(1000), "close"),
):
    add(f"masks: {name} with a mask where none may be, or without", wrong_mask, opcode, payload)


def given_mask(mask, peer):
    peer.frame(BINARY, body(BINARY, 1001), mask=mask if peer.is_client else None)
    peer.expect(BINARY, body(BINARY, 1001))
    peer.finish()


for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x80\0\x01\x7f"):
    add(f"masks: {mask.hex()}", given_mask, mask)

# ---- Reserved bits and opcodes (5.2) --------------------------------------------------------------------------------


def reserved_bits(opcode, payload, rsv, chop, peer):
    peer.frame(opcode, payload, chop, rsv=rsv)
    peer.expect_fails(PROTOCOL)


for rsv in range(1, 8):
    for opcode, payload, name in ((TEXT, b"text", "text"), (BINARY, b"", "binary"), (PING, b"", "ping")):
        add(f"reserved bits: {rsv} in {name}", reserved_bits, opcode, payload, rsv, None)
    add(f"reserved bits: {rsv} in close", reserved_bits, CLOSE, close_payload(1000), rsv, None)
    add(f"reserved bits: {rsv} in text in chops of 1", reserved_bits, TEXT, b"text", rsv, 1)


def reserved_bits_later(rsv, peer):
    peer.frame(TEXT, b"a sound one")
    peer.frame(TEXT, b"not this one", rsv=rsv)
    peer.frame(PING)
    peer.expect_fails(PROTOCOL, before=[(TEXT, b"a sound one")])


for rsv in (1, 4, 7):
    add(f"reserved bits: {rsv} after a sound message", reserved_bits_later, rsv)


@case("reserved bits: 2 in a continuation")
def _(peer):
    peer.frame(TEXT, b"one", fin=False)
    peer.frame(CONTINUATION, b"two", rsv=2)
    peer.expect_fails(PROTOCOL)


def reserved_opcode(opcode, payload, sound_first, fin, peer):
    if sound_first:
        echoed(peer, TEXT, b"a sound one")
    peer.frame(opcode, payload, fin=fin)
    peer.frame(PING)
    peer.expect_fails(PROTOCOL)


for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    add(f"opcodes: {opcode}", reserved_opcode, opcode, b"", False, True)
    add(f"opcodes: {opcode} with a payload, after a sound message", reserved_opcode, opcode, b"payload", True, True)
    add(f"opcodes: {opcode}, not final", reserved_opcode, opcode, b"", False, False)

# ---- Pings and pongs (5.5.2, 5.5.3) ---------------------------------------------------------------------------------


def ping(payload, chop, peer):
    peer.frame(PING, payload, chop)
    peer.expect(PONG, payload)
    peer.finish()


for payload in (b"", b"Hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", body(BINARY, 124), body(BINARY, 125)):
    add(f"pings: {len(payload)} bytes", ping, payload, None)
    add(f"pings: {len(payload)} bytes in chops of 1", ping, payload, 1)


@case("pings: every size from 0 to 125")
def _(peer):
    for size in range(126):
        peer.frame(PING, body(BINARY, size))
        peer.expect(PONG, body(BINARY, size))
    peer.finish()


def long_control(opcode, size, peer):
    peer.frame(opcode, body(BINARY, size))
    peer.expect_fails(PROTOCOL)


for opcode, name in ((PING, "ping"), (PONG, "pong")):
    for size in (126, 127, 65536):
        add(f"pings: a {name} of {size} bytes", long_control, opcode, size)


def ten_pings(chop, peer):
    for i in range(10):
        peer.frame(PING, b"ping %d" % i, chop)
    for i in range(10):
        peer.expect(PONG, b"ping %d" % i)
    peer.finish()


add("pings: 10 in a row", ten_pings, None)
add("pings: 10 in a row in chops of 1", ten_pings, 1)


def unasked_pong(payload, peer):
    peer.frame(PONG, payload)
    peer.frame(PING, b"ask")
    peer.expect(PONG, b"ask")  # and nothing was said about the pong
    echoed(peer, TEXT, b"still there")
    peer.finish()


for payload in (b"", b"unasked for", body(BINARY, 125)):
    add(f"pings: a pong of {len(payload)} bytes that nobody asked for", unasked_pong, payload)


@case("pings: a ping between two messages, answered in order")
def _(peer):
    peer.frame(TEXT, b"one")
    peer.expect(TEXT, b"one")
    peer.frame(PING, b"two")
    peer.expect(PONG, b"two")
    echoed(peer, BINARY, b"three")
    peer.finish()


# ---- Fragments (5.4) ------------------------------------------------------------------------------------------------


def fragments(kind, parts, chop, controls, peer):
    """`controls`: opcodes sent after each part but the last."""
    for i, part in enumerate(parts):
        last = i + 1 == len(parts)
        peer.frame(CONTINUATION if i else kind, part, chop, fin=last)
        for opcode in () if last else controls:
            peer.frame(opcode, b"between")
            if opcode == PING:
                peer.expect(PONG, b"between")
    peer.expect(kind, b"".join(parts))
    peer.finish()


PARTS = {
    "2 fragments": [b"fragment1", b"fragment2"],
    "3 fragments": [b"fragment1", b"fragment2", b"fragment3"],
    "3 empty fragments": [b"", b"", b""],
    "an empty first fragment": [b"", b"more"],
    "an empty last fragment": [b"more", b""],
    "an empty middle fragment": [b"one", b"", b"two"],
    "64 fragments of 1 byte": [b"x"] * 64,
    "fragments of 125, 126, 65535 and 65536 bytes": [b"a" * 125, b"b" * 126, b"c" * 65535, b"d" * 65536],
}
for kind in (TEXT, BINARY):
    for name, parts in PARTS.items():
        label = f"fragments: {NAMES[kind]} in {name}"
        add(label, fragments, kind, parts, None, ())
        add(f"{label}, pings between", fragments, kind, parts, None, (PING,))
        add(f"{label}, pongs and pings between", fragments, kind, parts, None, (PONG, PING, PING))
        if len(b"".join(parts)) < 1000:
            add(f"{label}, in chops of 1", fragments, kind, parts, 1, (PING,))


@case("fragments: 10 pings at once between two fragments")
def _(peer):
    peer.frame(TEXT, b"one", fin=False)
    for i in range(10):
        peer.frame(PING, b"%d" % i)
    for i in range(10):
        peer.expect(PONG, b"%d" % i)
    peer.frame(CONTINUATION, b"two")
    peer.expect(TEXT, b"onetwo")
    peer.finish()


@case("fragments: two messages in fragments, one after the other")
def _(peer):
    for kind in (TEXT, BINARY):
        peer.frame(kind, b"one", fin=False)
        peer.frame(CONTINUATION, b"two", fin=False)
        peer.frame(CONTINUATION, b"three")
    peer.expect(TEXT, b"onetwothree")
    peer.expect(BINARY, b"onetwothree")
    peer.finish()


def fragmented_control(opcode, in_message, peer):
    if in_message:
        peer.frame(TEXT, b"one", fin=False)
    peer.frame(opcode, b"\x03\xe8" if opcode == CLOSE else b"half", fin=False)
    peer.expect_fails(PROTOCOL)


for opcode, name in ((PING, "ping"), (PONG, "pong"), (CLOSE, "close")):
    add(f"fragments: a fragmented {name}", fragmented_control, opcode, False)
    add(f"fragments: a fragmented {name} within a message", fragmented_control, opcode, True)


def lost_continuation(fin, after, peer):
    if after:
        echoed(peer, TEXT, b"whole")
    peer.frame(CONTINUATION, b"of nothing", fin=fin)
    peer.frame(TEXT, b"sound")
    peer.expect_fails(PROTOCOL)


for fin in (True, False):
    for after in (True, False):
        where = "after a message" if after else "first"
        name = f"fragments: a continuation of nothing, {'' if fin else 'not '}final, {where}"
        add(name, lost_continuation, fin, after)


def new_message(kind, fin, peer):
    peer.frame(TEXT, b"one", fin=False)
    peer.frame(kind, b"another", fin=fin)
    peer.expect_fails(PROTOCOL)


for kind in (TEXT, BINARY):
    for fin in (True, False):
        add(f"fragments: {NAMES[kind]}, {'' if fin else 'not '}final, within a message", new_message, kind, fin)


@case("fragments: a continuation after the last one")
def _(peer):
    peer.frame(TEXT, b"one", fin=False)
    peer.frame(CONTINUATION, b"two")
    peer.frame(CONTINUATION, b"three")
    peer.expect_fails(PROTOCOL, before=[(TEXT, b"onetwo")])


@case("fragments: closed within a message")
def _(peer):
    peer.frame(TEXT, b"one", fin=False)
    peer.finish()


# ---- UTF-8 (8.1) ----------------------------------------------------------------------------------------------------

KOSME = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
POINTS = [0, 1, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFD, 0xFDD0, 0xFDEF, 0xFEFF]
POINTS += [0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF]
POINTS += [plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)]
VALID = {f"U+{point:04X}": chr(point).encode() for point in POINTS}
VALID["a Greek word"] = KOSME
VALID["characters of one to four bytes"] = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc-UTF-8!! \U0001f600\u2028".encode()
VALID["1,000 characters of four bytes"] = "\U0001f600".encode() * 1000

INVALID = {
    "surrogate D800": b"\xed\xa0\x80",
    "surrogate DB7F": b"\xed\xad\xbf",
    "surrogate DBFF": b"\xed\xaf\xbf",
    "surrogate DC00": b"\xed\xb0\x80",
    "surrogate DFFF": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "another pair of surrogates": b"\xed\xaf\xbf\xed\xbf\xbf",
    "a surrogate in text": KOSME + b"\xed\xa0\x80edited",
    "U+110000": b"\xf4\x90\x80\x80",
    "beyond Unicode in text": KOSME + b"\xf4\x90\x80\x80edited",
    "F5": b"\xf5\x80\x80\x80",
    "F7 BF BF BF": b"\xf7\xbf\xbf\xbf",
    "5 bytes": b"\xf8\x88\x80\x80\x80",
    "the last of 5 bytes": b"\xfb\xbf\xbf\xbf\xbf",
    "6 bytes": b"\xfc\x84\x80\x80\x80\x80",
    "the last of 6 bytes": b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "FE": b"\xfe",
    "FF": b"\xff",
    "FE FE FF FF": b"\xfe\xfe\xff\xff",
    "continuation 80": b"\x80",
    "continuation BF": b"\xbf",
    "2 continuations": b"\x80\xbf",
    "3 continuations": b"\x80\xbf\x80",
    "6 continuations": b"\x80\xbf\x80\xbf\x80\xbf",
    "all 64 continuations": bytes(range(0x80, 0xC0)),
    "overlong / of 2 bytes": b"\xc0\xaf",
    "overlong / of 3 bytes": b"\xe0\x80\xaf",
    "overlong / of 4 bytes": b"\xf0\x80\x80\xaf",
    "overlong / of 5 bytes": b"\xf8\x80\x80\x80\xaf",
    "overlong / of 6 bytes": b"\xfc\x80\x80\x80\x80\xaf",
    "overlong U+007F": b"\xc1\xbf",
    "overlong U+07FF": b"\xe0\x9f\xbf",
    "overlong U+FFFF": b"\xf0\x8f\xbf\xbf",
    "overlong NUL of 2 bytes": b"\xc0\x80",
    "overlong NUL of 3 bytes": b"\xe0\x80\x80",
    "overlong NUL of 4 bytes": b"\xf0\x80\x80\x80",
    "first bytes of 2, each before a blank": b"".join(bytes([b, 0x20]) for b in range(0xC0, 0xE0)),
    "first bytes of 3, each before a blank": b"".join(bytes([b, 0x20]) for b in range(0xE0, 0xF0)),
    "first bytes of 4, each before a blank": b"".join(bytes([b, 0x20]) for b in range(0xF0, 0xF8)),
    "a sequence of 2 without its last byte": b"\xc3",
    "a sequence of 3 without its last byte": b"\xe2\x82",
    "a sequence of 4 without its last byte": b"\xf0\x9f\x98",
    "a short sequence of 3, then ASCII": b"\xe2\x82a",
    "short sequences in a row": b"\xc0\xe0\x80\xf0\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",
    "a wrong byte in a Greek word": KOSME[:5] + b"\xff" + KOSME[5:],
}


def valid_text(payload, peer):
    """Whole, and cut at every byte."""
    echoed(peer, TEXT, payload)
    cuts = range(1, len(payload)) if len(payload) < 60 else (1, 2, 3, 5, 1000, 1023)
    for cut in cuts:
        peer.frame(TEXT, payload[:cut], fin=False)
        peer.frame(CONTINUATION, payload[cut:])
        peer.expect(TEXT, payload)
    peer.finish()


def invalid_text(payload, in_fragments, peer):
    if in_fragments:
        for i in range(len(payload)):
            peer.frame(CONTINUATION if i else TEXT, payload[i : i + 1], fin=i + 1 == len(payload))
    else:
        peer.frame(TEXT, payload)
    peer.expect_fails(NOT_UTF8)


for name, payload in VALID.items():
    add(f"UTF-8: {name}", valid_text, payload)
for name, payload in INVALID.items():
    add(f"UTF-8: {name}", invalid_text, payload, False)
    add(f"UTF-8: {name}, in fragments of 1 byte", invalid_text, payload, True)


def word_cut_short(cut, peer):
    """Valid where a character ends."""
    try:
        KOSME[:cut].decode()
    except UnicodeDecodeError:
        return invalid_text(KOSME[:cut], False, peer)
    return valid_text(KOSME[:cut], peer)


for cut in range(1, len(KOSME)):
    add(f"UTF-8: the first {cut} bytes of a Greek word", word_cut_short, cut)


def fails_fast(parts, peer):
    """Invalid before the message is over: it must not wait for the rest."""
    for i, part in enumerate(parts):
        peer.frame(CONTINUATION if i else TEXT, part, fin=False)
    peer.expect_fails(NOT_UTF8)


add("UTF-8: fails fast on a wrong first fragment", fails_fast, [b"sound \xf4\x90\x80\x80 not sound"])
add("UTF-8: fails fast on a wrong second fragment", fails_fast, [KOSME, b"\xf4\x90\x80\x80"])
add("UTF-8: fails fast where the second half of a character is wrong", fails_fast, [KOSME + b"\xf4", b"\x90"])
add("UTF-8: fails fast on half a surrogate", fails_fast, [b"\xed", b"\xa0"])


@case("UTF-8: fails fast within a frame that has not all come")
def _(peer):
    data = make_frame(TEXT, KOSME + b"\xf4\x90" + b"x" * 50, mask=b"\1\2\3\4" if peer.is_client else None)
    peer.raw(data[:-40])
    peer.expect_fails(NOT_UTF8)


@case("UTF-8: binary need not be any")
def _(peer):
    for payload in INVALID.values():
        echoed(peer, BINARY, payload)
    peer.finish()


@case("UTF-8: pings need not be any")
def _(peer):
    peer.frame(PING, b"\xff\xfe\xed\xa0\x80")
    peer.expect(PONG, b"\xff\xfe\xed\xa0\x80")
    peer.finish()


# ---- Closing (5.5.1, 7) ---------------------------------------------------------------------------------------------


def closed(code, reason, answers, peer):
    peer.close(code, reason)
    peer.expect_close(answers)


for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999):
    # The RFC wants an answer; most echo the code, and 1000 is as good.
    add(f"closing: code {code}", closed, code, b"", (code, 1000))
    add(f"closing: code {code} with a reason", closed, code, b"over and out", (code, 1000))
add("closing: no code", closed, None, b"", (None, 1000))
for size in (1, 122, 123):
    add(f"closing: a reason of {size} bytes", closed, 1000, b"*" * size, (1000,))
add("closing: a reason in Greek", closed, 1000, KOSME, (1000,))
for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999):
    add(f"closing: code {code}, which may not be sent", closed, code, b"", PROTOCOL)
# Registered after the RFC, or beyond what it defines: either way is right.
for code in (1014, 5000, 65535):
    add(f"closing: code {code}, about which the RFC is silent", closed, code, b"", PROTOCOL + (code, 1000))


@case("closing: one byte")
def _(peer):
    peer.frame(CLOSE, b"\x03")
    peer.expect_close(PROTOCOL)


@case("closing: a reason of 124 bytes")
def _(peer):
    peer.frame(CLOSE, close_payload(1000, b"*" * 124))
    peer.expect_fails(PROTOCOL)


for name in ("FF", "surrogate D800", "overlong / of 2 bytes", "a sequence of 3 without its last byte"):
    # It must fail; with which code is not said.
    add(f"closing: {name} in the reason", closed, 1000, b"reason " + INVALID[name], NOT_UTF8 + PROTOCOL)


def after_close(opcode, payload, fin, peer):
    """What comes after a close frame is not answered."""
    frames = [(CLOSE, close_payload(1000), True), (opcode, payload, fin)]
    mask = b"\1\2\3\4" if peer.is_client else None
    peer.raw(b"".join(make_frame(o, p, fin=f, mask=mask) for o, p, f in frames))
    peer.expect_close((1000,))


for opcode, payload, fin, name in (
    (TEXT, b"too late", True, "a text"),
    (TEXT, b"too late", False, "a fragment"),
    (PING, b"too late", True, "a ping"),
    (CLOSE, close_payload(1000), True, "another close"),
    (TEXT, b"\xff", True, "bytes that are no UTF-8"),
    (3, b"", True, "a reserved opcode"),
    (BINARY, b"x" * 100_000, True, "100,000 bytes"),
):
    add(f"closing: {name} after it", after_close, opcode, payload, fin)


def message_then_close(kind, size, peer):
    peer.frame(kind, body(kind, size))
    peer.close(1000)
    peer.expect(kind, body(kind, size))
    peer.expect_close((1000,))


for kind in (TEXT, BINARY):
    for size in (0, 10, 65536, 262_144, 4 << 20):
        add(f"closing: right after {NAMES[kind]} of {size} bytes, which comes back", message_then_close, kind, size)


@case("closing: right after 50 messages, which come back")
def _(peer):
    for i in range(50):
        peer.frame(TEXT, b"message %d" % i)
    peer.close(1000)
    for i in range(50):
        peer.expect(TEXT, b"message %d" % i)
    peer.expect_close((1000,))


@case("closing: in chops of 1")
def _(peer):
    peer.frame(CLOSE, close_payload(1000, b"*" * 100), 1)
    peer.expect_close((1000,))


# ---- Large messages -------------------------------------------------------------------------------------------------


def large(kind, size, fragment, chop, peer):
    payload = body(kind, size)
    if fragment:
        parts = [payload[i : i + fragment] for i in range(0, size, fragment)]
        mask = b"\1\2\3\4" if peer.is_client else None
        last = len(parts) - 1
        data = [make_frame(CONTINUATION if i else kind, p, fin=i == last, mask=mask) for i, p in enumerate(parts)]
        peer.raw(b"".join(data), chop)
    else:
        peer.frame(kind, payload, chop)
    peer.expect(kind, payload)
    peer.finish()


for kind in (TEXT, BINARY):
    for mebibytes in (1, 4, 16):
        label, size = f"large: {NAMES[kind]} of {mebibytes} MiB", mebibytes << 20
        add(label, large, kind, size, None, None)
        add(f"{label} in fragments of 64 KiB", large, kind, size, 1 << 16, None)
    add(f"large: {NAMES[kind]} of 4 MiB in fragments of 64 bytes", large, kind, 4 << 20, 64, None)
    add(f"large: {NAMES[kind]} of 4 MiB in one fragment", large, kind, 4 << 20, 4 << 20, None)
    for chop in (997, 65536):
        add(f"large: {NAMES[kind]} of 1 MiB in chops of {chop}", large, kind, 1 << 20, None, chop)


@case("large: 4 MiB of Greek")
def _(peer):
    echoed(peer, TEXT, KOSME * (4 * 2**20 // len(KOSME)))
    peer.finish()


assert len(set(name for name, _ in CASES)) == len(CASES)
__all__ = ["CASES", "Violation"]
