"""What the tests of the Python package have in common."""

import contextlib
import os
import tempfile
import unittest
from pathlib import Path

import genkidama

# Runs that are over at once.
SHORT = {"workers": 1, "eval_episodes": 0, "seed": 3}


class TestInFolder(unittest.TestCase):
    """Each test has a folder of its own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def refused(self, error, *words):
        """Expects the error, with all these words in its text."""
        case = self

        class Refused:
            def __enter__(self):
                return self

            def __exit__(self, kind, value, traceback):
                case.assertIsNotNone(kind, f"no {error.__name__} was raised")
                if not issubclass(kind, error):
                    return False
                for word in words:
                    case.assertIn(word, str(value))
                return True

        return Refused()


def trained(folder, task, **options):
    """A policy of a run with two updates."""
    run = genkidama.train(task, run_dir=folder, **{**SHORT, "updates": 2, "round_steps": 64, **options})
    return genkidama.load_policy(run["policy"])


@contextlib.contextmanager
def quiet():
    """Nothing that this process or one that it forks writes to standard error is shown."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
