#!/usr/bin/env python3
"""An environment of your own in Python: move a point to a target.

    genkidama train python:target_task.py:TargetTask --max-steps 100000

Nothing but Python is needed. With Gymnasium you would derive from gymnasium.Env and use its spaces; the five values
are the same.
"""

import random


class Discrete:
    """Looks like Gymnasium's Discrete: one of n choices."""

    shape = ()

    def __init__(self, n):
        self.n = n


class Box:
    """Looks like Gymnasium's Box: numbers between bounds."""

    def __init__(self, low, high, shape):
        self.low, self.high, self.shape = low, high, shape


class TargetTask:
    observation_space = Box(-1.0, 1.0, (3,))
    action_space = Discrete(3)  # to the left, stay, to the right
    metrics = ["success"]  # taken from info at the end of an episode

    def reset(self, *, seed=None, options=None):
        chance = random.Random(seed)
        self.place = 0.0
        self.target = chance.uniform(-1, 1)
        self.steps = 0
        return self.observe(), {}

    def step(self, action):
        self.place = max(-1.0, min(1.0, self.place + 0.1 * (action - 1)))
        self.steps += 1
        distance = abs(self.target - self.place)
        terminated = distance < 0.05
        truncated = self.steps >= 50
        return self.observe(), 1.0 if terminated else -distance / 10, terminated, truncated, {"success": terminated}

    def observe(self):
        return [self.place, self.target, self.target - self.place]


if __name__ == "__main__":
    # A program of your own can serve it too; see docs/environment_protocol.md.
    import genkidama_serve

    genkidama_serve.serve(TargetTask, time_limit=50)
