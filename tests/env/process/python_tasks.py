"""Environments with Gymnasium's interface, good and bad, for genkidama_serve."""

import os

from gymnasium import spaces

try:
    import numpy
except ImportError:
    numpy = None


class Task:
    """Plays three steps. The observation is what the action was, seen by the environment."""

    observation_space = spaces.Box(-9, 9, (2,))
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.observe(0, seed), self.info()

    def step(self, action):
        self.steps += 1
        return self.observe(action, 0), self.steps / 2, self.steps == 3, False, self.info()

    def observe(self, action, seed):
        return [float(action), float(seed % 8)]

    def info(self):
        return {}


class Started(Task):
    action_space = spaces.Discrete(3, start=-1)


class Choices(Task):
    action_space = spaces.MultiDiscrete([2, 5])
    observation_space = spaces.Box(-9, 9, (2, 1))

    def observe(self, action, seed):
        values = [0, 0] if isinstance(action, int) else [int(choice) for choice in action]
        return [[float(value)] for value in values]


class Bits(Choices):
    action_space = spaces.MultiBinary(2)


class Torques(Task):
    action_space = spaces.Box([[-1.0], [-2.0]], [[1.0], [2.0]], (2, 1))

    def observe(self, action, seed):
        if isinstance(action, int):
            return [0.0, 0.0]
        if numpy is not None:
            assert action.shape == (2, 1) and action.dtype == numpy.float32
            return action.reshape(-1)
        return action


class Image(Task):
    observation_space = spaces.Box(0, 255, (3, 2, 2))

    def observe(self, action, seed):
        flat = [float(i) for i in range(12)]
        return numpy.array(flat, dtype="uint8").reshape(3, 2, 2) if numpy is not None else flat


class Place(Task):
    observation_space = spaces.Discrete(4)

    def observe(self, action, seed):
        return self.steps


class Masked(Task):
    action_space = spaces.Discrete(3)
    metrics = ["success", "distance"]

    def info(self):
        return {"action_mask": [1, self.steps % 2, 0], "success": self.steps == 3, "distance": 2.5}


class WrongShape(Task):
    def observe(self, action, seed):
        return [0.0] if self.steps == 2 else [0.0, 0.0]


class ScalarObservation(Task):
    def observe(self, action, seed):
        return 1.0


class FourValues(Task):
    def step(self, action):
        return [0.0, 0.0], 0.0, False, {}


class TextObservation(Task):
    def observe(self, action, seed):
        return ["left", "right"] if self.steps == 2 else [0.0, 0.0]


class NothingFromStep(Task):
    def step(self, action):
        return None


class Returning(Task):
    """What a step returns, apart from its observation."""

    returned = 0.0, False, False, {}

    def step(self, action):
        self.steps += 1
        return [0.0, 0.0], *self.returned


class NoReward(Returning):
    returned = None, False, False, {}


class TextReward(Returning):
    returned = "high", False, False, {}


class TextTerminated(Returning):
    returned = 0.0, "no", False, {}


class TextTruncated(Returning):
    returned = 0.0, False, "yes", {}


class NoTruncated(Returning):
    returned = 0.0, False, None, {}


class NumberEnds(Task):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        ends = (numpy.bool_(terminated), numpy.int64(truncated)) if numpy is not None else (int(terminated), 0.0)
        return observation, reward, *ends, info


class NoLaterMask(Masked):
    def info(self):
        return super().info() if self.steps == 0 else {"distance": 2.5, "success": True}


class HalfMask(Masked):
    def info(self):
        return {"action_mask": [1, 1, 0] if self.steps == 0 else [0.5, 2, 0]}


class ShortMask(Masked):
    def info(self):
        return {"action_mask": [1, 1, 0] if self.steps == 0 else [1]}


class Measured(Task):
    metrics = ["distance"]
    last = {"height": 1.0}

    def step(self, action):
        return [0.0, 0.0], 1.0, True, False, self.last


class NoMetric(Measured):
    pass


class TextMetric(Measured):
    last = {"distance": "far"}


class NoInfo(Measured):
    last = None


class Huge(Task):
    observation_space = spaces.Box(0, 1, (100000, 100000))


class Empty(Task):
    observation_space = spaces.Box(0, 1, (0,))


class OldReset(Task):
    def reset(self, *, seed=None, options=None):
        return [0.0, 0.0]


class RaisesInStep(Task):
    def step(self, action):
        if os.path.exists(os.environ["MARKER"]):
            return super().step(action)
        with open(os.environ["MARKER"], "w"):
            raise RuntimeError("the gripper is\nstuck")


class Undescribable(Task):
    observation_space = spaces.Dict({"camera": None, "joints": None})


class UnknownActions(Task):
    action_space = spaces.Dict({"left": None})


class NoInterface:
    pass


class Exits(Task):
    def reset(self, *, seed=None, options=None):
        os._exit(4)


class Prints(Task):
    def step(self, action):
        print("\x06\0\0\0\x01\0\0\0" * 10)
        return super().step(action)


def told(worker, index):
    task = Task()
    task.observe = lambda action, seed: [float(worker), float(index)]
    return task
