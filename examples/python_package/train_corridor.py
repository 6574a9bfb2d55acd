#!/usr/bin/env python3
"""Trains in an environment of its own, acts with the policy, and evaluates it.

    PYTHONPATH=build/release/python /usr/bin/python3 examples/python_package/train_corridor.py [RUN_DIRECTORY]
"""

import sys
import tempfile

import numpy

import genkidama
from genkidama.spaces import Box, Discrete


class Corridor:
    """Walk to the right end of a corridor; each step costs a little, and so does a step against a wall."""

    LENGTH = 8
    observation_space = Box([0], [1])
    action_space = Discrete(2)

    def reset(self, *, seed=None):
        self.place = numpy.random.default_rng(seed).integers(self.LENGTH - 1)
        self.steps = 0
        return self.observation(), {}

    def step(self, action):
        self.place = max(self.place + (1 if action == 1 else -1), 0)
        self.steps += 1
        return self.observation(), -0.1, self.place == self.LENGTH - 1, self.steps == 50, {}

    def observation(self):
        return numpy.array([self.place / (self.LENGTH - 1)], dtype=numpy.float32)


def main(folder):
    def callback(figures):
        if figures["update"] % 10 == 0:
            print(f"update {figures['update']}: mean return {figures['mean_return']}")

    run = genkidama.train(Corridor, run_dir=folder, workers=2, max_steps=20_000, round_steps=256, eval_episodes=0,
                          callback=callback)
    policy = genkidama.load_policy(run["policy"])

    environment = Corridor()
    observation, _ = environment.reset(seed=1)
    ended = False
    while not ended:
        action, _ = policy.predict(observation)
        observation, _, terminated, truncated, _ = environment.step(action)
        ended = terminated or truncated
    print(f"one episode took {environment.steps} steps")

    result = genkidama.evaluate(policy, Corridor, episodes=50)
    low, high = result["mean_interval"]
    print(f"mean return {result['mean']:.2f}, 95 % interval {low:.2f} to {high:.2f}")
    return 0 if result["mean"] > -1 else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1]))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(temporary + "/run"))
