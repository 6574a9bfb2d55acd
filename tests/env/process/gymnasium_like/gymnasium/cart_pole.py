"""CartPole-v1 as genkidama/env/cart_pole.h plays it, with the library's own random numbers."""

import math

from . import spaces

MASK = 2**64 - 1


class Random:
    """xoshiro256++, seeded by SplitMix64."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9e3779b97f4a7c15) & MASK
            z = ((seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9) & MASK
            z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
            self.state.append(z ^ (z >> 31))

    @staticmethod
    def rotated(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    def uniform(self, low, high):
        s = self.state
        result = (self.rotated((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = self.rotated(s[3], 45)
        return low + (high - low) * (result >> 11) * 2.0**-53


class CartPole:
    def __init__(self):
        self.observation_space = spaces.Box(-math.inf, math.inf, (4,))
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        random = Random(seed)
        self.state = [random.uniform(-0.05, 0.05) for _ in range(4)]
        return list(self.state), {}

    def step(self, action):
        if action not in (0, 1) or not isinstance(action, int):
            raise ValueError(f"the action is {action!r}")
        x, velocity, angle, turn = self.state
        sine, cosine = math.sin(angle), math.cos(angle)
        push = ((10.0 if action == 1 else -10.0) + 0.1 * 0.5 * turn * turn * sine) / 1.1
        angle_acceleration = (9.8 * sine - cosine * push) / (0.5 * (4.0 / 3.0 - 0.1 * cosine * cosine / 1.1))
        acceleration = push - 0.1 * 0.5 * angle_acceleration * cosine / 1.1
        self.state = [x + 0.02 * velocity, velocity + 0.02 * acceleration, angle + 0.02 * turn,
                      turn + 0.02 * angle_acceleration]
        terminated = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 12 * math.pi / 180
        return list(self.state), 1.0, terminated, False, {}
