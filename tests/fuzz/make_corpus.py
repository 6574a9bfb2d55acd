#!/usr/bin/env python3
"""Writes the inputs that the fuzzers start from, and that every test run replays, to tests/data/fuzz.

    make_corpus.py [DIRECTORY]

One directory per target; what an input consists of is said in the target's source. Always the same files.
"""

import json
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "data" / "fuzz"
PATH = "/genkidama/1"


def write(target, inputs):
    directory = ROOT / target
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        # What a fuzzer has found lies beside them, by the name that the fuzzer gives it, and stays.
        if not re.fullmatch("[0-9a-f]{40}", old.name):
            old.unlink()
    for name, data in inputs.items():
        (directory / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# ---- Frames ----


def frame(count=4, magic=b"GKDM", version=1, kind=2, session=7, sequence=3, update=2, steps=100, episodes=5,
          mean_return=-12.5, dtype=1, reserved=b"\0" * 6, size=None, weights=None, checksum=0):
    payload = struct.pack(f"<{count}f", *[0.5 * i for i in range(count)]) if weights is None else weights
    size = len(payload) if size is None else size
    head = magic + struct.pack("<HHQQQQQd", version, kind, session, sequence, update, steps, episodes, mean_return)
    return head + struct.pack("<H", dtype) + reserved + struct.pack("<QQ", size, checksum) + payload


def frames():
    mended, as_it_is = bytes([3, 4]), bytes([0, 4])
    most = 2**64 - 1
    yield "sound", mended + frame()
    yield "sound_misplaced", bytes([7, 4]) + frame()
    yield "sound_empty", bytes([3, 0]) + frame(0)
    yield "sound_large", bytes([3, 63]) + frame(63)
    yield "sound_parent", mended + frame(kind=1, mean_return=0.0)
    yield "sound_most", mended + frame(session=most, sequence=most, update=most, steps=most, episodes=most)
    yield "sound_minus_zero", mended + frame(mean_return=-0.0)
    yield "weights_not_finite", mended + frame(weights=struct.pack("<4I", 0x7F800000, 0xFFC00001, 0x7F800001, 1))
    yield "return_nan", mended + frame(mean_return=float("nan"))
    yield "return_infinite", mended + frame(mean_return=float("inf"))
    yield "wrong_checksum", as_it_is + frame(checksum=1)
    yield "wrong_magic", mended + frame(magic=b"GKDN")
    yield "wrong_version", mended + frame(version=2)
    yield "sound_change", mended + frame(kind=3)
    yield "sound_segments", bytes([3, 0]) + frame(0, kind=16)
    yield "sound_gradients", bytes([3, 0]) + frame(0, kind=32)
    yield "sound_shard", mended + frame(kind=33)
    yield "wrong_kind", mended + frame(kind=4)
    yield "wrong_dtype", mended + frame(dtype=2)
    yield "reserved", mended + frame(reserved=b"\0\0\0\0\0\1")
    yield "other_count", mended + frame(5)
    yield "size_2_64", bytes([1, 4]) + frame(size=most)
    yield "size_wraps", bytes([1, 4]) + frame(size=2**64 - 80)
    yield "header_alone", mended + frame(0)
    yield "header_cut", mended + frame()[:79]
    yield "one_byte_more", bytes([1, 4]) + frame() + b"\0"
    yield "zeros", mended + bytes(96)


# ---- Frames in a codec ----


def coded(codec, payload, count=9, dtype=None, flags=7, change_steps=None, **fields):
    """`codec` counts from 0, as in the target; its number in a frame is one more. 7: everything is mended."""
    if change_steps is not None:
        flags |= 8
        payload = struct.pack("<Q", change_steps) + payload
    number = codec + 1 if dtype is None else dtype
    return bytes([flags, codec, count]) + frame(weights=payload, dtype=number, **fields)


def coded_frames():
    f32, f16, bf16, int8, delta, top = range(6)
    floats = struct.pack("<9f", *[0.5 * i for i in range(9)])
    halves = struct.pack("<9e", *[0.5 * i - 2 for i in range(9)])
    brains = struct.pack("<9H", *[0x3F80 + 3 * i for i in range(9)])
    codes = struct.pack("<2f9b", 0.01, 0.25, *[28 * i - 127 for i in range(9)])
    largest = bytes([0, 1]) + struct.pack("<H", 0x40A0)
    change = {"kind": 3, "change_steps": 50, "steps": 100, "flags": 3}
    no_reference = bytes(8)
    yield "sound_f32", coded(f32, floats, flags=3)
    yield "sound_f16", coded(f16, halves, flags=3)
    yield "sound_bf16", coded(bf16, brains, flags=3)
    yield "sound_int8", coded(int8, codes, flags=3)
    yield "sound_int8_delta", coded(delta, no_reference + codes)
    yield "sound_top_k", coded(top, no_reference + largest)
    yield "sound_change_f32", coded(f32, floats, **change)
    yield "sound_change_int8", coded(int8, codes, **change)
    yield "sound_change_int8_delta", coded(delta, no_reference + codes, **change)
    yield "sound_change_top_k", coded(top, no_reference + largest, **change)
    yield "float32_instead", coded(delta, floats, dtype=1, flags=3)
    yield "not_agreed_upon", coded(f16, brains, dtype=3, flags=3)
    yield "unknown_dtype", coded(f16, halves, dtype=7, flags=3)
    yield "dtype_0", coded(f16, halves, dtype=0, flags=3)
    yield "no_elements", coded(top, no_reference, count=0)
    yield "one_element", coded(top, no_reference + bytes([1]) + struct.pack("<H", 0x3F80), count=1)
    yield "change_cut", coded(int8, b"", kind=3, flags=3 | 8)
    yield "f16_infinite", coded(f16, halves[:16] + b"\x00\x7c", flags=3)
    yield "f16_nan", coded(f16, b"\x01\xfe" + halves[2:], flags=3)
    yield "f16_subnormal", coded(f16, struct.pack("<9H", *range(9)), flags=3)
    yield "bf16_infinite", coded(bf16, b"\x80\xff" + brains[2:], flags=3)
    yield "bf16_subnormal", coded(bf16, struct.pack("<9H", *range(9)), flags=3)
    for name, scale in (("nan", float("nan")), ("infinite", float("inf")), ("negative", -1.0), ("subnormal", 1e-40),
                        ("tiny", 1e-31), ("huge", 1e36), ("zero", 0.0), ("minus_zero", -0.0)):
        yield f"int8_scale_{name}", coded(int8, struct.pack("<f", scale) + codes[4:], flags=3)
    yield "int8_minus_128", coded(int8, codes[:8] + b"\x80" * 9, flags=3)
    yield "int8_one_more", coded(int8, codes + b"\0", flags=3)
    yield "int8_one_less", coded(int8, codes[:-1], flags=3)
    yield "int8_scales_alone", coded(int8, codes[:8], flags=3)
    yield "delta_other_reference", coded(delta, b"\1" * 8 + codes, flags=3)
    yield "delta_reference_in_change", coded(delta, b"\1" * 8 + codes, **change)
    yield "delta_reference_cut", coded(delta, bytes(7), flags=3)
    yield "delta_scale_nan", coded(delta, no_reference + struct.pack("<f", float("nan")) + codes[4:])
    yield "top_k_no_bit", coded(top, no_reference + bytes([0, 0]) + b"\xa0\x40")
    yield "top_k_two_bits", coded(top, no_reference + bytes([3, 0]) + b"\xa0\x40")
    yield "top_k_past_end", coded(top, no_reference + bytes([0, 2]) + b"\xa0\x40")
    yield "top_k_all_bits", coded(top, no_reference + bytes([255, 255]) + b"\xa0\x40")
    yield "top_k_infinite", coded(top, no_reference + bytes([1, 0]) + b"\x80\x7f")
    yield "top_k_huge", coded(top, no_reference + bytes([2, 0]) + b"\x7f\x7f")
    yield "wrong_checksum", coded(int8, codes, flags=0, checksum=1)
    yield "wrong_size", coded(int8, codes, flags=1, size=2**64 - 1)


# ---- Messages ----

LAYOUT = [{"name": "pi1.weight", "shape": [4, 3]}, {"name": "pi1.bias", "shape": [4]}]
HELLO = {"type": "hello", "protocol": 1, "role": "child", "name": "board 7", "run_id": "run", "library": "python",
         "environment_steps": 1000, "layout": LAYOUT, "capabilities": ["later"]}
WELCOME = {"type": "welcome", "protocol": 1, "role": "parent", "name": "parent", "run_id": "5f-1", "library": "x",
           "session": 3, "update": 2**53 - 1, "capabilities": []}


def messages():
    def text(base, **changes):
        return json.dumps({key: value for key, value in {**base, **changes}.items() if value is not None})

    yield "hello", text(HELLO)
    yield "hello_codec", text(HELLO, codec="int8-delta")
    yield "hello_codec_number", text(HELLO, codec=5)
    yield "welcome_codec", text(WELCOME, codec="top-k")
    yield "hello_moments", text(HELLO, moments={"size": 4, "squares_begin": 2, "squares_end": 4})
    yield "hello_moments_beyond", text(HELLO, moments={"size": 4, "squares_begin": 2, "squares_end": 5})
    yield "hello_moments_huge", text(HELLO, moments={"size": 2**53 - 1, "squares_begin": 0, "squares_end": 0})
    yield "hello_moments_cut", text(HELLO, moments={"size": 4})
    yield "hello_moments_number", text(HELLO, moments=4)
    yield "welcome_moments", text(WELCOME, moments=4)
    yield "welcome_explored", text(WELCOME, exchange="population", explored=["learning_rate", "gamma"])
    yield "welcome_explored_text", text(WELCOME, exchange="population", explored="gamma")
    yield "welcome_explored_many", text(WELCOME, exchange="population", explored=["gamma"] * 33)
    part = {"number": 2, "count": 3, "begin": 10, "end": 20}
    yield "welcome_slice", text(WELCOME, exchange="gradients", slice=part)
    for name, value in (("number", 4), ("count", 65), ("begin", 20), ("end", "x")):
        yield f"welcome_slice_{name}", text(WELCOME, slice={**part, name: value})
    yield "hello_optimizer", text(HELLO, exchange="gradients", optimizer="adam beta1 0.9")
    yield "hello_small", text(HELLO, run_id=None, library=None, environment_steps=None, capabilities=None)
    yield "hello_no_tensors", text(HELLO, layout=[])
    yield "hello_scalar", text(HELLO, layout=[{"name": "s", "shape": []}])
    yield "hello_more_keys", text(HELLO, later={"a": [1, {"b": None}]}, other=1.5)
    yield "hello_wrong_hash", text(HELLO, layout_hash="0123456789abcdef")
    yield "hello_huge_shape", text(HELLO, layout=[{"name": "a", "shape": [2**31, 2**31, 2**31]}])
    yield "hello_wide_shape", text(HELLO, layout=[{"name": "a", "shape": [1] * 9}])
    yield "hello_same_names", text(HELLO, layout=[LAYOUT[1], LAYOUT[1]])
    yield "hello_negative", text(HELLO, layout=[{"name": "a", "shape": [-1]}])
    yield "hello_other_version", text(HELLO, protocol=2)
    yield "hello_as_parent", text(HELLO, role="parent")
    yield "hello_long_name", text(HELLO, name="n" * 65)
    yield "hello_control_name", text(HELLO, name="a\u0007b")
    yield "hello_steps_float", text(HELLO, environment_steps=1e300)
    yield "hello_steps_2_53", text(HELLO, environment_steps=2**53)
    yield "welcome", text(WELCOME)
    yield "welcome_session_text", text(WELCOME, session="3")
    for code in ("protocol", "layout", "weights", "frame", "sequence", "busy", "unknown"):
        yield f"refuse_{code}", json.dumps({"type": "refuse", "code": code, "reason": "because"})
    yield "end", json.dumps({"type": "end", "reason": "the run is over"})
    yield "leave", json.dumps({"type": "leave", "reason": "seen enough \u2603"}, ensure_ascii=False)
    yield "leave_controls", json.dumps({"type": "leave", "reason": "\u0000\u001b[31m\u0085\u009b \u007f"})
    yield "leave_surrogate", b'{"type":"leave","reason":"\\ud800"}'
    yield "leave_not_utf8", b'{"type":"leave","reason":"\xff\xfe"}'
    yield "leave_long", json.dumps({"type": "leave", "reason": "\u2603" * 341 + "ab"}, ensure_ascii=False)
    yield "leave_too_long", json.dumps({"type": "leave", "reason": "x" * 1025})
    yield "no_type", "{}"
    yield "other_type", '{"type":"shutdown"}'
    yield "type_number", '{"type":1}'
    yield "twice", '{"type":"end","type":"leave","reason":"x"}'
    yield "deep", '{"type":"end","reason":"x","a":' + "[" * 40 + "]" * 40 + "}"
    yield "deep_and_open", "[" * 500
    yield "array", "[]"
    yield "number", "1e999"
    yield "half", '{"type":"end","reas'
    yield "comment", '{"type":"end","reason":"x"/*no*/}'
    yield "bom", b'\xef\xbb\xbf{"type":"end","reason":"x"}'


# ---- Files ----


def header(entries, metadata=None):
    fields = {} if metadata is None else {"__metadata__": metadata}
    return json.dumps({**fields, **entries}).encode()


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def headers():
    """(name, header, bytes of data)."""
    two = {"a": tensor([2, 3], 0, 24), "b": tensor([2], 24, 32)}
    yield "sound", header(two), 32
    yield "sound_metadata", header(two, {"format": "pt", "note": "\u2603"}), 32
    yield "sound_turned", header({"b": two["b"], "a": two["a"]}), 32
    yield "sound_scalar", header({"s": tensor([], 0, 4)}), 4
    yield "sound_padded", header(two) + b"   ", 32
    yield "empty", b"{}", 0
    yield "hole", header({"a": tensor([2], 0, 8), "b": tensor([2], 12, 20)}), 20
    yield "overlap", header({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}), 12
    yield "too_little_data", header(two), 28
    yield "too_much_data", header(two), 36
    yield "other_dtype", header({"a": tensor([2], 0, 4, "F16")}), 4
    yield "other_size", header({"a": tensor([3], 0, 8)}), 8
    yield "huge", header({"a": tensor([2**62, 2**62], 0, 8)}), 8
    yield "offsets_2_64", header({"a": tensor([2], 2**64 - 8, 2**64 - 1)}), 8
    yield "offsets_turned", header({"a": tensor([2], 8, 0)}), 8
    yield "zero_dimension", header({"a": tensor([0], 0, 0)}), 0
    yield "negative", header({"a": tensor([-2], 0, 8)}), 8
    yield "many_dimensions", header({"a": tensor([1] * 20, 0, 4)}), 4
    yield "same_twice", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' * 2 + b'"c":1}', 8
    yield "metadata_number", header({}, {"n": 1}), 0
    yield "metadata_nested", header({}, {"n": {"m": "x"}}), 0
    yield "deep", b"[" * 300, 0
    yield "unknown_field", header({"a": {**tensor([1], 0, 4), "more": 1}}), 4
    yield "float_shape", header({"a": tensor([1.5], 0, 4)}), 4
    yield "not_utf8", b'{"\xff":{}}', 0
    yield "not_json", b"safetensors", 0


def file_of(head, data, length=None):
    return struct.pack("<Q", len(head) if length is None else length) + head + data


def files():
    for name, head, size in headers():
        yield name, file_of(head, struct.pack(f"<{size // 4}f", *[0.25 * i for i in range(size // 4)]))
    one = header({"a": tensor([1], 0, 4)})
    yield "nan", file_of(one, struct.pack("<f", float("nan")))
    yield "infinite", file_of(one, struct.pack("<f", float("-inf")))
    yield "length_2_64", file_of(one, bytes(4), 2**64 - 1)
    yield "length_too_large", file_of(one, bytes(4), len(one) + 5)
    yield "length_16_mib", file_of(one, bytes(4), 16 << 20)
    yield "length_zero", file_of(one, bytes(4), 0)
    yield "short", b"\1\2\3"


def states():
    network = {"pi1.weight": tensor([2, 3], 0, 24), "pi1.bias": tensor([2], 24, 32)}
    optimizer = {"genkidama.optimizer_state": tensor([8], 32, 64)}
    numbers = {"genkidama_version": "0.1.0", "updates": "12", "environment_steps": "3400", "episodes": "34",
               "wall_seconds": "1.5e1", "optimizer_steps": "56", "rounds": "12"}
    average = {"policy_average": "ema", "policy_average_count": "12"}

    def state(flag, tensors, metadata, count):
        return bytes([flag]) + file_of(header(tensors, metadata), struct.pack(f"<{count}f", *range(count)))

    whole = {**network, **optimizer}
    yield "parent", state(0, network, numbers, 8)
    yield "child", state(1, whole, numbers, 16)
    yield "child_average", state(1, {**whole, "genkidama.policy_average": tensor([8], 64, 96)},
                                 {**numbers, **average}, 24)
    yield "parent_average", state(0, {**network, "genkidama.policy_average": tensor([8], 32, 64)},
                                  {**numbers, **average}, 16)
    yield "average_of_another_size", state(0, {**network, "genkidama.policy_average": tensor([4], 32, 48)},
                                           {**numbers, **average}, 12)
    yield "no_optimizer", state(1, network, numbers, 8)
    yield "too_much_optimizer", state(0, whole, numbers, 16)
    yield "no_numbers", state(0, network, {}, 8)
    yield "target", state(0, network, {**numbers, "time_to_target_seconds": "12.25"}, 8)
    for name, value in (("negative", "-1"), ("huge", "9" * 40), ("text", "many"), ("empty", ""), ("blank", " 1")):
        yield f"updates_{name}", state(0, network, {**numbers, "updates": value}, 8)
    yield "seconds_nan", state(0, network, {**numbers, "wall_seconds": "nan"}, 8)
    yield "other_network", state(0, {"x": tensor([8], 0, 32)}, numbers, 8)


# ---- Segments ----


def episode(flags=3, value=-1.5, metric=0.5):
    return struct.pack("<dIIf", value, 7, flags, metric)


def segment(steps=2, version=9, end=1, scale=1.0, reserved=0, first=1.0, mask=1):
    head = struct.pack("<QIIfI", version, steps, end, scale, reserved)
    columns = ([first] + [2.0] * (2 * steps))[:2 * steps] + [0.0] * steps + [0.5] * steps + [-0.25] * steps
    masks = bytes([mask] * (3 * steps))
    return head + struct.pack(f"<{5 * steps + 4}f", *columns, 5, 6, 7, 8) + masks + bytes(-len(masks) % 4)


# ---- Moments ----


def moments(size=5, squares=(0, 5), steps=7, codes=(0x3F80, 0x4020, 1, 0, 0x7F7F), filling=None):
    body = struct.pack(f"<Q{len(codes)}H", steps, *codes)
    return bytes([size, *squares]) + body + (bytes(-len(body) % 8) if filling is None else filling)


def moment_blocks():
    yield "sound", moments()
    yield "sound_first", moments(squares=(0, 2), codes=(0x3F80, 0x4020, 0xBF80, 0x8001, 0xFF7F))
    yield "no_steps", moments(steps=0)
    yield "most_steps", moments(steps=2**64 - 1)
    yield "none", bytes([0, 0, 0])
    yield "none_given", moments(size=0)
    yield "negative", moments(codes=(0x3F80, 0xBF80, 1, 0, 0))
    yield "minus_zero", moments(codes=(0x8000, 0x8000, 1, 0, 0))
    yield "nan", moments(codes=(0x7FC0, 0, 1, 0, 0))
    yield "nan_with_bits", moments(codes=(0x7F81, 0xFFC1, 1, 0, 0))
    yield "infinite", moments(codes=(0x7F80, 0xFF80, 1, 0, 0))
    yield "one_less", moments(codes=(0, 0, 0, 0))
    yield "one_more", moments(codes=(0,) * 6)
    yield "filling", moments(filling=bytes(5) + b"\1")
    yield "no_filling", moments(filling=b"")
    yield "steps_alone", moments(codes=(), filling=b"")


def member_orders():
    def orders(*values, takes=1, count=None):
        body = struct.pack("<Q", takes) + b"".join(struct.pack("<d", value) for value in values)
        return bytes([len(values) if count is None else count]) + body

    yield "sound", orders(1e-4, 0.02)
    yield "sound_keeps", orders(-0.0, 1e308, 5e-324, takes=0)
    yield "none", bytes([0])
    yield "none_with_bytes", orders(count=0)
    yield "takes_two", orders(1.0, takes=2)
    yield "takes_most", orders(1.0, takes=2**64 - 1)
    yield "nan", orders(1.0, float("nan"))
    yield "infinite", orders(float("inf"))
    yield "one_less", orders(1.0, count=2)
    yield "one_more", orders(1.0, 2.0, count=1)
    yield "many", orders(*range(32))


def batch(*parts, shape=(2, 1, 3, 1, 1), steps=5, dropped=1, episodes=1, segments=2, reserved=0):
    body = b"".join(parts)
    head = struct.pack("<6I3Q2I", *shape, reserved, steps, dropped, 0, episodes, segments)
    return head + body + bytes(-(len(head) + len(body)) % 8)


def segment_batches():
    shape = bytes([2, 1, 3, 1, 1])
    two = (episode(), segment(), segment(1, version=10, end=0))
    yield "sound", shape + batch(*two)
    yield "sound_empty", shape + batch(episodes=0, segments=0)
    yield "sound_no_metrics", shape + batch(episode(1), segment(), segments=1)
    yield "other_shape", bytes([3, 1, 3, 1, 1]) + batch(*two)
    yield "huge_shape", shape + batch(*two, shape=(2**32 - 1,) * 5)
    yield "reserved", shape + batch(*two, reserved=1)
    yield "too_many_episodes", shape + batch(*two, episodes=2**32 - 1)
    yield "too_many_segments", shape + batch(*two, segments=2**32 - 1)
    yield "one_segment_less", shape + batch(*two, segments=1)
    yield "fewer_steps", shape + batch(*two, steps=3)
    yield "more_dropped", shape + batch(*two, dropped=2**64 - 1)
    for name, change in (("no_steps", {"steps": 0}), ("version", {"version": 1_001}), ("end", {"end": 3}),
                         ("scale_zero", {"scale": 0.0}), ("scale_nan", {"scale": float("nan")}),
                         ("segment_reserved", {"reserved": 1}), ("nan", {"first": float("nan")}),
                         ("infinite", {"first": float("inf")}), ("mask", {"mask": 2}), ("many_steps", {"steps": 65})):
        yield name, shape + batch(episode(), segment(**change), segments=1, steps=100)
    yield "steps_2_32", shape + batch(episode(), segment().replace(struct.pack("<I", 2), b"\xff" * 4, 1), segments=1)
    yield "return_nan", shape + batch(episode(value=float("nan")), segments=0)
    yield "flags", shape + batch(episode(flags=4), segments=0)
    yield "head_cut", shape + batch(*two)[:55]


# ---- Gradients for shards ----


def gradient_payloads():
    def payload(*gradients, count=None, reserved=0, size=3):
        heads = b"".join(struct.pack("<Qd", version, rate) for version, rate, _ in gradients)
        values = b"".join(struct.pack(f"<{size}f", *numbers) for _, _, numbers in gradients)
        return struct.pack("<II", len(gradients) if count is None else count, reserved) + heads + values

    slice_of_3, first, second = bytes([3, 9]), (7, 0.5, (1, -2.5, 3.25)), (9, 0.25, (0, 0.5, -1))
    yield "sound", slice_of_3 + payload(first, second)
    yield "sound_one", slice_of_3 + payload(first)
    yield "sound_empty_slice", bytes([0, 9]) + payload((1, 1.0, ()), size=0)
    yield "none", slice_of_3 + payload()
    yield "too_many", slice_of_3 + payload(first, count=1025)
    yield "count_2_32", slice_of_3 + payload(first, count=2**32 - 1)
    yield "one_less", slice_of_3 + payload(first, second, count=1)
    yield "reserved", slice_of_3 + payload(first, reserved=1)
    yield "version_to_come", slice_of_3 + payload((10, 0.5, (0, 0, 0)))
    yield "version_most", slice_of_3 + payload((2**64 - 1, 0.5, (0, 0, 0)))
    for name, rate in (("zero", 0.0), ("minus", -1.0), ("nan", float("nan")), ("infinite", float("inf"))):
        yield f"rate_{name}", slice_of_3 + payload((7, rate, (0, 0, 0)))
    for name, value in (("nan", float("nan")), ("infinite", float("inf"))):
        yield f"value_{name}", slice_of_3 + payload((7, 0.5, (0, 0, value)))
    yield "fates", bytes([9, 0]) + bytes([0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    yield "fate_2", bytes([3, 0]) + bytes([0, 2, 0, 0, 0, 0, 0, 0])
    yield "fate_filling", bytes([3, 0]) + bytes([0, 1, 0, 1, 0, 0, 0, 0])


# ---- Environments of a server, on their hosts ----


def environment_frames():
    sizes, mended = bytes([2, 1, 3, 1]), bytes([1])

    def frame(kind, *rows, count=None, magic=b"GKDE", behind=b""):
        head = magic + struct.pack("<HHQ", kind, len(rows) if count is None else count, 0)
        return sizes + mended + head + b"".join(rows) + behind

    def row(environment, flags, *numbers, ticket=7, rest=b""):
        return struct.pack(f"<HBB{len(numbers)}f", environment, ticket, flags, *numbers) + rest

    mask, seed = bytes([1, 0, 1]), struct.pack("<Q", 2**64 - 1)
    reset, step = row(3, 1, rest=seed), row(258, 0, 2.0, ticket=255)
    began, played = row(3, 1, 1.5, -2, rest=mask), row(258, 0, -1, 1.5, -2, rest=mask)
    ended, cut, lost = row(4, 2, 1, 0, 0, 0.5), row(5, 4, 1, 0, 0, 0.5, rest=mask), row(6, 8)
    yield "sound_requests", frame(48, reset, step)
    yield "sound_answers", frame(49, began, played, ended, cut, lost)
    yield "damaged", sizes + bytes([0]) + frame(49, lost)[5:]
    yield "no_rows", frame(49)
    yield "too_many_rows", frame(49, lost, count=65535)
    yield "one_row_less", frame(49, began, played, count=1)
    yield "another_type", frame(50, lost)
    yield "another_magic", frame(49, lost, magic=b"GKDM")
    yield "bytes_behind", frame(48, reset, behind=b"\0")
    yield "request_flags", frame(48, row(3, 2, 1.0))
    yield "answer_flags", frame(49, row(3, 6, 1, 0, 0, 0.5))
    yield "lost_reset", frame(49, row(3, 9))
    yield "mask_2", frame(49, row(3, 1, 1.5, -2, rest=bytes([1, 2, 0])))
    for name, value in (("nan", float("nan")), ("infinite", float("inf"))):
        yield f"action_{name}", frame(48, row(3, 0, value))
        yield f"reward_{name}", frame(49, row(3, 0, value, 0, 0, rest=mask))
        yield f"observation_{name}", frame(49, row(3, 1, 0, value, rest=mask))
        yield f"metric_{name}", frame(49, row(3, 2, 0, 0, 0, value))
    environment = {"name": "Arm", "observation_shape": [4, 84], "choices": [3], "low": [-0.1, None], "high": [1, None],
                   "masks_actions": 1, "time_limit": 1000, "metrics": ["success"]}
    hello = {"type": "environment_hello", "protocol": 1, "role": "environment_host", "name": "board-1",
             "library": "x", "environments": 64, "environment": environment}
    yield "hello", json.dumps(hello).encode()
    for key, value in (("environments", 0), ("environments", 4097), ("environment", 3), ("role", "child")):
        yield f"hello_{key}_{value}", json.dumps(hello | {key: value}).encode()
    for key, value in (("low", [1]), ("low", [1e39, 0]), ("choices", [0]), ("observation_shape", []), ("metrics", [1])):
        changed = hello | {"environment": environment | {key: value}}
        yield f"hello_{key}_{len(value)}_{str(value[0])[:4] if value else 'none'}", json.dumps(changed).encode()


# ---- Requests and endpoints ----


def requests():
    def request(flag, line=f"GET {PATH} HTTP/1.1", leave_out=(), **more):
        fields = {"Host": "127.0.0.1:7777", "Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
        fields.update({name.replace("_", "-"): value for name, value in more.items()})
        lines = [line] + [f"{name}: {value}" for name, value in fields.items() if name not in leave_out]
        return bytes([flag]) + "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    yield "sound", request(0)
    yield "any_path", request(4, "GET /runCase?case=1&agent=x HTTP/1.1")
    yield "token", request(1, Authorization="Bearer sesame")
    yield "token_small_letters", request(1, Authorization="bearer sesame")
    yield "no_token", request(1)
    yield "other_token", request(1, Authorization="Bearer sesamf")
    yield "basic", request(1, Authorization="Basic c2VzYW1l")
    yield "two_tokens", request(1, Authorization="Bearer sesame\r\nAuthorization: Bearer sesame")
    yield "token_in_url", request(1, f"GET {PATH}?token=sesame HTTP/1.1")
    yield "origin", request(0, Origin="https://page.example")
    yield "known_origin", request(2, Origin="https://page.example")
    yield "two_origins", request(2, Origin="https://page.example\r\nOrigin: https://page.example")
    yield "null_origin", request(2, Origin="null")
    yield "no_host", request(0, leave_out=("Host",))
    yield "two_hosts", request(0, Host="a\r\nHost: b")
    for name, host in (("ipv6", "[::1]:7777"), ("bare", "localhost"), ("bad", "a b"), ("empty", ""), ("port", "a:x")):
        yield f"host_{name}", request(0, Host=host)
    yield "no_upgrade", request(0, leave_out=("Upgrade",))
    yield "h2c", request(0, Upgrade="h2c")
    yield "upgrade_list", request(0, Upgrade="h2c, WebSocket", Connection="keep-alive, upgrade")
    yield "post", request(0, f"POST {PATH} HTTP/1.1")
    yield "http_1_0", request(0, f"GET {PATH} HTTP/1.0")
    yield "http_2", bytes([0]) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "other_path", request(0, "GET / HTTP/1.1")
    yield "absolute", request(0, f"GET http://a{PATH} HTTP/1.1")
    yield "body", request(0, Content_Length="5") + b"hello"
    yield "chunked", request(0, Transfer_Encoding="chunked") + b"5\r\nhello\r\n0\r\n\r\n"
    yield "length_twice", request(0, Content_Length="5\r\nContent-Length: 6")
    yield "length_huge", request(0, Content_Length="99999999999999999999")
    yield "folded", request(0, X_Fold="one\r\n two")
    yield "long_header", request(0, X_Long="x" * 8200)
    yield "bare_newlines", request(0).replace(b"\r\n", b"\n")
    yield "zero_byte", request(0, X_Zero="a\0b")
    yield "tls", bytes([0]) + bytes.fromhex("16030102000100")
    yield "nothing", bytes([0])


def endpoints():
    given = ["127.0.0.1:7777", "[::1]:7777", "localhost:0", "wss://host.example:443", "wss://[fe80::1%eth0]:1",
             "host:65535", "host:65536", "host:-1", "host:", ":1", "host", "::1:1", "[::1]", "[a]:1", "[]:1", "a b:1",
             "host:1 ", "wss://", "wss://wss://a:1", "[::1:1", "1.2.3.4.5:6", "host:00001", "a" * 255 + ":1",
             "a" * 256 + ":1", "\u2603:1", "host:+1", "[:]:1", "localhost:99999999999999999999"]
    for number, text in enumerate(given):
        yield f"{number:02}", text


# ---- Weights between two peers ----


def peer_links():
    f32, f16, int8_delta = 0, 1, 4
    both, sends = 0, 1
    gala, diffusion, pairs, push_sum = range(4)
    first, share, request, answer = range(4)
    eye = 11

    def part(what, sequence, codec=f32, payload=None, neighbours=2, mass=1.0, statistics=b"", flags=7, **fields):
        payload = struct.pack("<9f", *[0.5 * i for i in range(9)]) if payload is None else payload
        fields = {"session": eye, "kind": 64, "steps": 0, "episodes": 0, "mean_return": 0.0, **fields}
        extra = struct.pack("<IId", what, neighbours, mass) + statistics
        whole = frame(weights=extra + payload, sequence=sequence, dtype=codec + 1, **fields)
        return struct.pack("<HB", len(whole), flags) + whole

    def link(*parts, codec=f32, flow=both, rule=gala, statistics=0):
        return bytes([codec, flow + 4 * rule + 16 * statistics]) + b"".join(parts)

    start = part(first, 0, flags=3)

    def plain(*args, **fields):
        return part(*args, flags=3, **fields)

    halves = struct.pack("<9e", *[0.25 * i for i in range(9)])
    delta = bytes(8) + struct.pack("<4f9b", 0.01, 0.25, 0.01, 0.25, *[3 * i for i in range(9)])
    counted = struct.pack("<3d", 2, 0.5, 0.25)
    yield "sound_gala", link(start, plain(share, 1), plain(share, 2, update=3))
    yield "sound_diffusion", link(start, plain(share, 1), rule=diffusion)
    yield "sound_pairs", link(start, plain(request, 1), plain(answer, 4), rule=pairs)
    yield "sound_push_sum", link(start, plain(share, 1, mass=0.5), rule=push_sum)
    yield "sound_f16", link(start, plain(share, 1, codec=f16, payload=halves), codec=f16)
    yield "sound_delta", link(start, part(share, 1, codec=int8_delta, payload=delta),
                              part(share, 2, codec=int8_delta, payload=delta), codec=int8_delta)
    yield "sound_statistics", link(plain(first, 0, statistics=counted), plain(share, 1, statistics=counted), statistics=1)
    yield "first_twice", link(start, start)
    yield "no_first", link(plain(share, 1))
    yield "first_in_f16", link(plain(first, 0, codec=f16, payload=halves), codec=f16)
    yield "same_sequence", link(start, plain(share, 1), plain(share, 1))
    yield "request_of_gala", link(start, plain(request, 1))
    yield "share_of_pairs", link(start, plain(share, 1), rule=pairs)
    yield "only_sends", link(start, plain(share, 1), flow=sends)
    yield "far_ahead", link(start, plain(share, 1, update=51))
    yield "other_instance", link(start, plain(share, 1, session=12))
    yield "other_kind", link(start, plain(share, 1, kind=1))
    yield "kind_4", link(start, plain(4, 1))
    yield "too_large", link(start, plain(share, 1, payload=struct.pack("<9f", *[1e6] * 9)))
    for name, value in (("nan", float("nan")), ("infinite", float("inf"))):
        yield f"weight_{name}", link(start, plain(share, 1, payload=struct.pack("<9f", value, *[0] * 8)))
        yield f"mass_{name}", link(start, plain(share, 1, mass=value), rule=push_sum)
    yield "mass_minus", link(start, plain(share, 1, mass=-1.0), rule=push_sum)
    yield "mass_huge", link(start, plain(share, 1, mass=2e9), rule=push_sum)
    yield "statistics_half", link(plain(first, 0, statistics=struct.pack("<3d", 2.5, 0, 0)), statistics=1)
    yield "statistics_huge", link(plain(first, 0, statistics=struct.pack("<3d", 2, 1e308, 0)), statistics=1)
    yield "cut", link(start, plain(share, 1)[:60])
    yield "empty_frames", link(bytes(3), bytes(3))
    yield "wrong_checksum", link(start, part(share, 1, flags=2))
    yield "other_reference", link(start, plain(share, 1, codec=int8_delta, payload=delta), codec=int8_delta)


def main():
    global ROOT
    if len(sys.argv) > 2 or "-h" in sys.argv or "--help" in sys.argv:
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    if len(sys.argv) == 2:
        ROOT = pathlib.Path(sys.argv[1])
    write("frame", dict(frames()))
    write("codec", dict(coded_frames()))
    write("message", dict(messages()))
    write("moments", dict(moment_blocks()))
    write("member_orders", dict(member_orders()))
    write("safetensors_header", {name: struct.pack("<H", size) + head for name, head, size in headers()})
    write("safetensors_file", dict(files()))
    write("run_state", dict(states()))
    write("http_request", dict(requests()))
    write("endpoint", dict(endpoints()))
    write("segments", dict(segment_batches()))
    write("gradients", dict(gradient_payloads()))
    write("environments", dict(environment_frames()))
    write("peer", dict(peer_links()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
