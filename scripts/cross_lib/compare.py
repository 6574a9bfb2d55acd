#!/usr/bin/env python3
"""Compares what two machines have played and learnt; scripts/compare-architectures calls it.

    compare.py trajectories HERE THERE   folders with the files of tests/cross/record.cpp
    compare.py training HERE THERE       folders with a run directory for each training

Prints a table in Markdown. Exit codes: 0 compared (equal or not), 1 when the two sides do not belong together.
"""
import array
import csv
import json
import math
import pathlib
import struct
import sys

# What depends on the machine's speed, and not on what it computes.
OF_TIME = {"wall_seconds", "steps_per_second"}


class Mismatch(Exception):
    pass


def number(value):
    return f"{value:.2g}"


def read_steps(path):
    """The rows of a file of steps: lists of the floats, and of their bits."""
    line, _, content = path.read_bytes().partition(b"\n")
    width = int(line) + 2
    floats, bits = array.array("f", content), array.array("I", content)
    if len(floats) % width:
        raise Mismatch(f"{path}: {len(floats)} floats are no rows of {width}")
    return [(floats[i : i + width], bits[i : i + width]) for i in range(0, len(floats), width)]


def compare_steps(here, there):
    """Where two lists of rows begin to differ, and by how much.

    Returns (first, episode, step, largest, ends): the number of the first step with another bit, from 1, the same as
    number of the episode and of the step in it, the largest difference of an observation, and the first step at which an
    episode ends on one side only. None stands for "never". The largest difference is of the steps before `ends`, because
    other episodes are compared with one another after it.
    """
    if len(here) != len(there) or any(len(a[0]) != len(b[0]) for a, b in zip(here, there)):
        raise Mismatch("the two sides have different numbers of steps or of observations")
    first = at = ends = None
    largest = 0.0
    episode, begin = 1, 0
    for i, ((a, a_bits), (b, b_bits)) in enumerate(zip(here, there)):
        if first is None and a_bits != b_bits:
            first, at = i + 1, (episode, i + 1 - begin)
        if a[-1] != b[-1]:
            ends = i + 1
            break
        largest = max([largest, *(abs(x - y) for x, y in zip(a[:-2], b[:-2]))])
        if a[-1]:
            episode, begin = episode + 1, i + 1
    return first, *(at or (None, None)), largest, ends


def trajectories(here, there):
    yield "| task | steps | first step that differs | largest difference of an observation | an episode ends elsewhere |"
    yield "|---|---|---|---|---|"
    for file in sorted(here.glob("*.steps")):
        ours, theirs = read_steps(file), read_steps(there / file.name)
        first, episode, step, largest, ends = compare_steps(ours, theirs)
        where = "none" if first is None else f"{first:,} (step {step:,} of episode {episode:,})"
        yield (f"| `{file.stem}` | {len(ours):,} | {where} | {number(largest)} | "
               f"{'never' if ends is None else f'at step {ends:,}'} |")


def read_weights(path):
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    tensors = sorted((name, value["data_offsets"]) for name, value in header.items() if name != "__metadata__")
    return {name: array.array("f", content[8 + length + begin : 8 + length + end]) for name, (begin, end) in tensors}


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def row_difference(a, b):
    """The columns of two rows of metrics.csv that differ, with their values."""
    return {name: (a[name], b[name]) for name in a if name not in OF_TIME and a[name] != b[name]}


def first_other_weights(here, there):
    """The first update after which a bit of the weights differs, or None."""
    for file in sorted((here / "checkpoints").glob("update_*.safetensors")):
        other = there / "checkpoints" / file.name
        if not other.exists():
            return None
        ours, theirs = read_weights(file), read_weights(other)
        if ours.keys() != theirs.keys() or any(ours[name].tobytes() != theirs[name].tobytes() for name in ours):
            return int(file.stem.removeprefix("update_"))
    return None


def compare_runs(here, there):
    """(ours, theirs, first, columns, largest, relative): the rows of both metrics.csv, the index of the first one that
    differs and its columns that do, the largest difference of a weight at the end, and the norm of all differences divided
    by that of the weights."""
    ours, theirs = read_rows(here / "metrics.csv"), read_rows(there / "metrics.csv")
    if not ours or not theirs or ours[0].keys() != theirs[0].keys():
        raise Mismatch(f"{here.name}: the two tables of metrics have different columns, or no rows")
    both = min(len(ours), len(theirs))
    first = next((i for i in range(both) if row_difference(ours[i], theirs[i])), None)
    if first is None and len(ours) != len(theirs):
        first = both - 1
    columns = {} if first is None else row_difference(ours[first], theirs[first])
    a, b = read_weights(here / "final.safetensors"), read_weights(there / "final.safetensors")
    if a.keys() != b.keys() or any(len(a[name]) != len(b[name]) for name in a):
        raise Mismatch(f"{here.name}: the two policies are different networks")
    pairs = [(x, y) for name in a for x, y in zip(a[name], b[name])]
    largest = max(abs(x - y) for x, y in pairs)
    relative = math.dist(*zip(*pairs)) / (math.hypot(*(x for x, _ in pairs)) or 1)
    return ours, theirs, first, columns, largest, relative


def training(here, there):
    yield ("| training | updates, steps | weights differ from update (step) | metrics differ from update (step) | what differs | "
           "largest difference of a weight at the end | all weights, relative | mean return of the last update |")
    yield "|---|---|---|---|---|---|---|---|"
    for run in sorted(path for path in here.iterdir() if (path / "metrics.csv").exists()):
        ours, theirs, first, columns, largest, relative = compare_runs(run, there / run.name)
        steps_at = {int(row["update"]): int(row["environment_steps"]) for row in ours}
        weights = first_other_weights(run, there / run.name)
        weights = "none" if weights is None else f"{weights} ({steps_at.get(weights, 0):,})"
        where, what = "none", "nothing"
        if first is not None:
            where = f"{ours[first]['update']} ({int(ours[first]['environment_steps']):,})"
            what = "; ".join(f"`{name}` {a}, {b}" for name, (a, b) in list(columns.items())[:2])
            what = what or "the number of updates"
            what += f" and {len(columns) - 2} more" if len(columns) > 2 else ""
        yield (f"| {run.name} | {ours[-1]['update']}, {int(ours[-1]['environment_steps']):,} | {weights} | {where} | {what} | "
               f"{number(largest)} | {number(relative)} | {ours[-1]['return_mean']}, {theirs[-1]['return_mean']} |")


def main():
    kinds = {"trajectories": trajectories, "training": training}
    if len(sys.argv) != 4 or sys.argv[1] not in kinds:
        print("compare.py: expected trajectories or training, and two folders", file=sys.stderr)
        return 2
    try:
        print(*kinds[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])), sep="\n")
    except (Mismatch, OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
