#!/usr/bin/env python3
"""A process that speaks the environment protocol, or something like it.

    rogue_environment.py MODE COUNTER_FILE

It is written from the page on the protocol alone, without genkidama_serve. The observation is the seed and the number
of steps, the reward is the action, and an episode ends after five steps. MODE says what goes wrong, and COUNTER_FILE
gets a byte with each start, so that a mode that ends with "-once" goes wrong in the first one only.
"""

import fcntl
import mmap
import os
import signal
import struct
import subprocess
import sys
import time

MODE, COUNTER = sys.argv[1:3]
with open(COUNTER, "ab") as counter:
    counter.write(b"x")
STARTS = os.path.getsize(COUNTER)
if MODE.endswith("-once"):
    MODE = MODE[:-5] if STARTS == 1 else "honest"

SOCKET, MEMORY = int(os.environ["GENKIDAMA_SOCKET"]), int(os.environ["GENKIDAMA_MEMORY"])
MAGIC = b"genkienv"


def send(*parts):
    os.write(SOCKET, b"".join(parts))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    time.sleep(600)


if MODE == "dies-at-start":
    sys.stderr.write("no licence for this engine\n")
    sys.exit(3)
if MODE == "hangs-at-start":
    hang()
if MODE == "refuses-unasked":
    send(struct.pack("=II", 7, 0), b"the engine is in use")
    sys.exit(0)
if MODE == "grows-memory":
    os.ftruncate(MEMORY, 1 << 24)
    fcntl.fcntl(MEMORY, 1033, 1 if STARTS % 2 else 2)  # F_ADD_SEALS: F_SEAL_SEAL, F_SEAL_SHRINK
if MODE == "ignores-the-end":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

hello = os.read(SOCKET, 65536)
kind, turn, magic, oldest, newest, environments, purpose, worker, index = struct.unpack("=II8sIIIIii", hello)
assert (kind, turn, magic, oldest, newest, environments) == (1, 0, MAGIC, 1, 1, 1)

if MODE == "garbage-at-start":
    send(b"\x00\xff" * 100)
    hang()
if MODE == "short-message":
    send(b"abc")
    hang()
if MODE == "huge-message":
    send(b"x" * 100000)
    hang()
if MODE == "refuses":
    send(struct.pack("=II", 7, 0), b"there is no\ngravity here")
    sys.exit(0)

spec = dict(kind=2, magic=MAGIC, version=1, environments=1, flags=0, time_limit=9, threshold=4.5, shape=[2],
            choices=[3], low=[], high=[], name=b"rogue", metrics=b"", metric_count=0)
spec.update({
    "wrong-version": dict(version=7),
    "wrong-magic": dict(magic=b"gymnasiu"),
    "wrong-kind": dict(kind=6),
    "more-environments": dict(environments=2),
    "no-observation": dict(shape=[]),
    "empty-observation": dict(shape=[0]),
    "huge-observation": dict(shape=[1 << 15, 1 << 15]),
    "overflowing-observation": dict(shape=[1 << 31] * 8),
    "many-dimensions": dict(shape=[1] * 9),
    "no-action": dict(choices=[]),
    "empty-choice": dict(choices=[0]),
    "endless-choice": dict(choices=[0xffffffff]),
    "low-above-high": dict(low=[1.0], high=[-1.0]),
    "nan-bound": dict(low=[float("nan")], high=[1.0]),
    "nameless-metrics": dict(metric_count=2, metrics=b"one\0"),
    "endless-time": dict(time_limit=0xffffffff),
    "unknown-flags": dict(flags=6),
    "forbids-everything": dict(flags=1),
    "long-name": dict(name=b"n" * 300),
    "changes-its-spec": dict(shape=[2 if STARTS == 1 else 3]),
}.get(MODE, {}))
dimensions, choices, components = len(spec["shape"]), len(spec["choices"]), len(spec["low"])
message = struct.pack("=II8sIIIIdIIIIII", spec["kind"], 0, spec["magic"], spec["version"], spec["environments"],
                      spec["flags"], spec["time_limit"], spec["threshold"], dimensions, choices, components,
                      spec["metric_count"], len(spec["name"]), len(spec["metrics"]))
message += struct.pack(f"={dimensions}I{choices}I{components}f{components}f", *spec["shape"], *spec["choices"],
                       *spec["low"], *spec["high"])
message += spec["name"] + spec["metrics"]
if MODE == "short-spec":
    message = message[:-3]
if MODE == "long-spec":
    message += b"more"
send(message)

layout = os.read(SOCKET, 65536)
if not layout:
    sys.exit(0)
kind, turn, size, commands, seeds, actions, observations, rewards, ends, masks, metrics = struct.unpack("=II9Q", layout)
assert (kind, turn) == (3, 0) and size == os.fstat(MEMORY).st_size
memory = mmap.mmap(MEMORY, size)
if MODE == "shrinks-memory":
    try:
        os.ftruncate(MEMORY, 0)
        sys.stderr.write("the memory was not sealed\n")
    except PermissionError:
        pass
if MODE == "fills-memory":
    memory[:] = b"\xff" * size
floats = 1
for length in spec["shape"]:
    floats *= length
ready = struct.pack("=IIIIII", 4, 0, 5 if MODE == "lies-about-sizes" else floats, choices + components, 3 if spec["flags"] else 0, 0)
if MODE == "not-ready":
    ready = ready[:8]
send(ready)
if MODE == "ready-twice":
    send(ready)
if MODE == "leaves-children":
    # One in its group, one in a session of its own whose parent has ended.
    one = subprocess.Popen(["sleep", "600"])
    code = ("import os, subprocess as s; os.setsid(); "
            "print(s.Popen(['sleep', '600'], stdout=s.DEVNULL, stderr=s.DEVNULL).pid)")
    other = subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.split()[0]
    with open(COUNTER + ".children", "w") as file:
        file.write(f"{one.pid} {int(other)}\n")

steps = seed = episodes = 0
while True:
    message = os.read(SOCKET, 65536)
    if not message:
        if MODE == "ignores-the-end":
            hang()
        sys.exit(0)
    kind, turn = struct.unpack("=II", message)
    assert kind == 5
    command = memory[commands]
    resets, plays = command == 1, command == 2
    if resets:
        seed, steps = struct.unpack_from("=Q", memory, seeds)[0], 0
    episodes += resets
    steps += plays
    third = plays and steps == 3
    action = struct.unpack_from("=f", memory, actions)[0]
    struct.pack_into("=2f", memory, observations, seed, steps)
    struct.pack_into("=f", memory, rewards, action if plays else 0)
    memory[ends] = 1 if steps == 5 else 0
    if MODE == "dies-in-reset" and resets or MODE == "dies-in-step" and third:
        sys.stdout.write("out of\ttune \x1b[2J\x00\n")
        sys.stdout.flush()
        die()
    if MODE == "dies-in-each-third-episode" and third and episodes == 3:
        die()
    if MODE == "exits-in-step" and third:
        sys.exit(5)
    if MODE == "hangs-in-reset" and resets or MODE == "hangs-in-step" and third:
        hang()
    if MODE == "fails-in-first-step" and plays or MODE == "fails-in-second-step" and plays and steps == 2:
        send(struct.pack("=II", 7, turn), b"the arm is not plugged in")
        sys.exit(1)
    if MODE == "fails-otherwise-in-first-step" and plays:
        send(struct.pack("=II", 7, turn), b"at start %d" % STARTS)
        sys.exit(1)
    if MODE == "fails-in-step" and third:
        send(struct.pack("=II", 7, turn), "the arm \x1b[31m hit the t\u00e4ble".encode())
        hang()
    if MODE == "nan-in-reset" and resets or MODE == "nan-in-step" and third:
        struct.pack_into("=f", memory, observations + 4, float("nan"))
    if MODE == "infinite-reward" and third:
        struct.pack_into("=f", memory, rewards, float("inf"))
    if MODE == "unknown-end" and third:
        memory[ends] = 77
    if MODE == "garbage-in-step" and third:
        send(b"rubbish")
        continue
    if MODE == "long-answer" and third:
        send(struct.pack("=II", 6, turn), b"x" * 40000)
        continue
    if MODE == "wrong-turn" and third:
        turn += 1
    if MODE == "answers-twice" and third:
        send(struct.pack("=II", 6, turn))
    if MODE == "prints":
        sys.stdout.buffer.write(b"\x06\x00\x00\x00 rubbish \xff\xfe \xc2\x9b2J\n" * 200)
        sys.stdout.flush()
    if MODE == "closes-its-socket" and third:
        os.close(SOCKET)
        hang()
    send(struct.pack("=II", 6, turn))
