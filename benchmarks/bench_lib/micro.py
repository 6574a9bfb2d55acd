"""Google Benchmark's JSON, made small: medians over the repetitions, by the benchmarks' names."""
import re

from bench_lib.arithmetic import median, rounded, spread

# What Google Benchmark appends to a name and what says nothing of what was measured.
SUFFIXES = re.compile(r"/(?:manual_time|real_time|iterations:\d+|repeats:\d+|exchanges:\d+|min_time:[\d.]+)(?=/|$)")
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
NOT_COUNTERS = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
                "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label"}


class BenchmarkFailed(Exception):
    pass


def short_name(name):
    return SUFFIXES.sub("", name)


def nanoseconds(row):
    """Wall time where the benchmark asked for it, else processor time, which other programs do not lengthen."""
    wall = "/manual_time" in row["name"] or "/real_time" in row["name"]
    return row["real_time" if wall else "cpu_time"] * NANOSECONDS[row["time_unit"]]


def summarise(report):
    """{name: {"ns": median, "spread": ..., counter: median, ...}}"""
    rows = {}
    for row in report["benchmarks"]:
        if row.get("error_occurred"):
            raise BenchmarkFailed(f"{row['name']}: {row.get('error_message')}")
        if row["run_type"] == "iteration":
            rows.setdefault(short_name(row["name"]), []).append(row)
    result = {}
    for name, repetitions in rows.items():
        times = [nanoseconds(row) for row in repetitions]
        counters = [key for key in repetitions[0] if key not in NOT_COUNTERS]
        result[name] = {"ns": median(times), "spread": spread(times), "repetitions": len(times),
                        **{key: median([row[key] for row in repetitions]) for key in counters}}
    return rounded(result)
