"""The part of Gymnasium's interface that genkidama_serve uses, for machines without Gymnasium."""

from . import spaces
from .cart_pole import CartPole


class NameNotFound(Exception):
    pass


class EnvSpec:
    def __init__(self, identity, max_episode_steps, reward_threshold):
        self.id = identity
        self.max_episode_steps = max_episode_steps
        self.reward_threshold = reward_threshold


class TimeLimit:
    """As Gymnasium's wrapper, which make() puts around an environment."""

    def __init__(self, environment, spec):
        self.environment, self.spec = environment, spec
        self.observation_space, self.action_space = environment.observation_space, environment.action_space

    @property
    def unwrapped(self):
        return self.environment

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.environment.reset(seed=seed, options=options)

    def step(self, action):
        observation, reward, terminated, truncated, info = self.environment.step(action)
        self.steps += 1
        return observation, reward, terminated, truncated or self.steps >= self.spec.max_episode_steps, info

    def close(self):
        pass


def make(identity):
    if identity != "CartPole-v1":
        raise NameNotFound(f"Environment `{identity}` doesn't exist.")
    return TimeLimit(CartPole(), EnvSpec(identity, 500, 475.0))
