"""Deep reinforcement learning on the cores of this machine.

    import genkidama

    run = genkidama.train("lunar-lander", max_steps=500_000, run_dir="runs/first")
    policy = genkidama.load_policy(run["policy"])
    print(genkidama.evaluate(policy, "lunar-lander", episodes=100)["mean"])

    environment = genkidama.make("lunar-lander")
    observation, info = environment.reset(seed=1)
    action, state = policy.predict(observation)

NumPy is imported by the first call that needs it, and not by this package.
"""

from genkidama._genkidama import (Environment, Policy, __version__, evaluate, load_policy, make, tasks, train)
from genkidama.errors import ArgumentError, Error, FormatError, IoError, LayoutError, WorkerError

__all__ = [
    "ArgumentError", "Environment", "Error", "FormatError", "IoError", "LayoutError", "Policy", "WorkerError",
    "evaluate", "load_policy", "make", "tasks", "train", "__version__"
]
