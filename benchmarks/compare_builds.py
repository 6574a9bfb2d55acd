#!/usr/bin/env python3
"""Compares the speed of two builds of different commits, their measurements taking turns.

  benchmarks/compare_builds.py OLD_BUILD NEW_BUILD OUT.json [--rounds N]     N: default 5

Both were configured with -DGENKIDAMA_BUILD_BENCHMARKS=ON. Each round runs genkidama_benchmarks and four short trainings
of LunarLander with either build, the other one first each time. OUT.json has every value; what is printed is the ratio
new / old of the medians, and of the best values. Use an otherwise idle machine.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TRAININGS = (("thesis", 1, 200_000), ("thesis", 2, 300_000), ("tuned", 1, 300_000), ("tuned", 2, 300_000))


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)


def micro(build):
    """The time of each small benchmark; those of ten million elements are left out."""
    with tempfile.TemporaryDirectory() as place:
        out = pathlib.Path(place, "out.json")
        run(
            build / "benchmarks/genkidama_benchmarks",
            f"--benchmark_out={out}",
            "--benchmark_out_format=json",
            "--benchmark_min_time=0.05",
            "--benchmark_filter=-.*[13]0000000.*",
        )
        rows = json.loads(out.read_text())["benchmarks"]
    return {row["name"]: row["real_time"] for row in rows if "real_time" in row and not row.get("error_occurred")}


def train(build, preset, workers, steps, seed):
    """Microseconds of an environment step."""
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place, "run")
        options = ["--preset", preset, "--workers", workers, "--seed", seed, "--max-steps", steps, "--eval-episodes", 0]
        run(build / "examples/lunar_lander", "train", "--run-dir", directory, *map(str, options))
        summary = json.loads((directory / "summary.json").read_text())
    return summary["wall_seconds"] / summary["environment_steps"] * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    builds = {"old": arguments.old, "new": arguments.new}
    values = {}
    for number in range(arguments.rounds):
        order = ["old", "new"] if number % 2 == 0 else ["new", "old"]
        for side in order:
            for name, time in micro(builds[side]).items():
                values.setdefault(name, {}).setdefault(side, []).append(time)
        for preset, workers, steps in TRAININGS:
            for side in order:
                time = train(builds[side], preset, workers, steps, number + 1)
                values.setdefault(f"train us/step {preset} {workers}", {}).setdefault(side, []).append(time)
        print(f"round {number + 1} of {arguments.rounds}", flush=True)
    both = {name: sides for name, sides in values.items() if len(sides) == 2}
    ratio = {name: statistics.median(s["new"]) / statistics.median(s["old"]) for name, s in both.items()}
    for name in sorted(both, key=lambda each: -ratio[each]):
        best = min(both[name]["new"]) / min(both[name]["old"])
        print(f"{ratio[name]:.3f}  best {best:.3f}  {name}")
    arguments.out.write_text(json.dumps(both, indent=1) + "\n")


if __name__ == "__main__":
    main()
