"""Environments with Gymnasium's interface, and ways in which they fail."""

import os
from types import SimpleNamespace


class Corridor:
    """Walk to the right; each step there is worth 1."""

    LIMIT = 16
    observation_space = SimpleNamespace(low=-20.0, high=20.0, shape=(1,))
    action_space = SimpleNamespace(n=2)
    spec = SimpleNamespace(id="Corridor", max_episode_steps=LIMIT, reward_threshold=None)
    metrics = ["distance"]

    def reset(self, *, seed=None):
        self.place = seed % 3
        return [float(self.place)], {}

    def step(self, action):
        step = 1 if action == 1 else -1
        self.place += step
        return [float(self.place)], float(step), self.place < 0, False, {"distance": self.place}


class Failing(Corridor):
    """Divides by zero in its fifth step."""

    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps == 5:
            1 / 0
        return super().step(action)


class Crashing(Corridor):
    """Its process ends in the first step of a worker, unless a file says that one has ended already."""

    def __init__(self, mark):
        self.mark = mark

    def step(self, action):
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return super().step(action)
        os._exit(3)
