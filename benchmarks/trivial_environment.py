"""The least that an environment in Python can do: one number, two actions, 200 steps.

    process_environment 100000 python3 benchmarks/trivial_environment.py     (with python/ in PYTHONPATH)
"""

import genkidama_serve


class Space:
    def __init__(self, **values):
        self.__dict__.update(values)


class Trivial:
    observation_space = Space(low=-1.0, high=1.0, shape=(1,))
    action_space = Space(n=2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return (0.0,), {}

    def step(self, action):
        self.steps += 1
        return (0.5,), 1.0, self.steps == 200, False, {}


if __name__ == "__main__":
    genkidama_serve.serve(Trivial)
