#!/usr/bin/env python3
"""Measures what the Python package costs: the import, predict(), environments, and runs whose environment is Python's.

    PYTHONPATH=build/release/python /usr/bin/python3 benchmarks/python_costs.py [--policy FILE] [--json FILE]

Without --policy a run of two updates on LunarLander makes one. Calls and imports are measured in processor time, which
other programs lengthen less; steps per second are of the run's wall clock, and take a machine that does nothing else.
Each call is the median of several repetitions.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

REPETITIONS = 9


class Trivial:
    """The least that an environment of Python's can do in a step."""

    observation_space = SimpleNamespace(low=-1.0, high=1.0, shape=(4,))
    action_space = SimpleNamespace(n=2)
    spec = SimpleNamespace(id="Trivial", max_episode_steps=200, reward_threshold=None)
    observation = [0.0, 0.0, 0.0, 0.0]

    def reset(self, seed=None):
        return self.observation, {}

    def step(self, action):
        return self.observation, 1.0, False, False, {}


def microseconds(call, count):
    """Of one call, in the median of the repetitions."""
    results = []
    for _ in range(REPETITIONS):
        begin = time.process_time()
        for _ in range(count):
            call()
        results.append((time.process_time() - begin) / count * 1e6)
    return statistics.median(results)


def process_milliseconds(code):
    """Of a Python that runs the code, beyond one that runs nothing."""
    medians = []
    for what in ("pass", code):
        results = []
        for _ in range(REPETITIONS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", what], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            results.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        medians.append(statistics.median(results) * 1000)
    return medians[1] - medians[0]


def steps_per_second(genkidama, task, folder, **options):
    run = genkidama.train(task, run_dir=folder, workers=1, eval_episodes=0, max_steps=100_000, checkpoint_every=10**6,
                          checkpoint_seconds=0, **options)
    return run["steps"] / run["seconds"]


def measured(genkidama, numpy, policy_file, folder):
    policy = genkidama.load_policy(policy_file)
    random = numpy.random.default_rng(1)
    observation = random.normal(size=policy.observation_space.shape).astype(numpy.float32)
    batch = random.normal(size=(256, *policy.observation_space.shape)).astype(numpy.float32)
    doubles = observation.astype(numpy.float64)
    listed = observation.tolist()
    figures = {
        "import genkidama, ms": process_milliseconds("import genkidama"),
        "import numpy, ms": process_milliseconds("import numpy"),
        "predict, one observation, us": microseconds(lambda: policy.predict(observation), 20_000),
        "predict, of float64, us": microseconds(lambda: policy.predict(doubles), 20_000),
        "predict, of a list, us": microseconds(lambda: policy.predict(listed), 20_000),
        "predict, a batch of 256, us for each": microseconds(lambda: policy.predict(batch), 200) / 256,
    }
    for task in ("cart-pole", "lunar-lander", "lamplighter"):
        environment = genkidama.make(task)
        action = environment.action_space.sample()

        def step():
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()

        environment.reset(seed=1)
        figures[f"step of {task}, us"] = microseconds(step, 5_000)
    figures["trivial environment in the worker, steps/s"] = steps_per_second(genkidama, Trivial, folder / "object")
    figures["trivial environment in a process, steps/s"] = steps_per_second(
        genkidama, f"python:{Path(__file__).resolve()}:Trivial", folder / "process")
    figures["cart-pole, steps/s"] = steps_per_second(genkidama, "cart-pole", folder / "cart_pole")
    figures["cart-pole with a callback, steps/s"] = steps_per_second(genkidama, "cart-pole", folder / "callback",
                                                                     callback=lambda figures: None)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", help="a policy; default: a short run's, on LunarLander")
    parser.add_argument("--json", help="writes the figures into this file, too")
    arguments = parser.parse_args()
    import numpy

    import genkidama
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = arguments.policy or genkidama.train("lunar-lander", run_dir=folder / "run", updates=2,
                                                   eval_episodes=0)["policy"]
        figures = measured(genkidama, numpy, file, folder)
    for name, value in figures.items():
        print(f"{name:45} {value:12.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2)
                                        + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
