#!/usr/bin/env python3
"""examples/lunar_lander/fly_in_gym.py with Gymnasium's interface, gym's newer one and gym's older one, all made up here."""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "lunar_lander" / "fly_in_gym.py"

# An episode lasts three steps. A step pays its action, and more when the seed of reset() did not arrive.
MODULE = '''
class error:
    class UnregisteredEnv(Exception):
        pass

class Lander:
    def reset(self, *, seed):
        self.steps, self.bonus = 0, 0 if seed in range(10) else 100
        return {first}

    def step(self, action):
        assert action in range(4)
        self.steps += 1
        observation, reward, over = [0.0] * 8, float(action) + self.bonus, self.steps == 3
        return {step}

def make(name):
    if name not in {names}:
        raise error.UnregisteredEnv(name)
    print("made", name, "of", __name__)
    return Lander()
'''
NEW = {"first": "[0.0] * 8, {}", "step": "observation, reward, False, over, {}"}
OLD = {"first": "[0.0] * 8", "step": "observation, reward, over, {}"}


def write_policy(path, metadata=None):
    """One layer that prefers action 2 whatever it sees."""
    tensors = {"pi1.weight": ([4, 8], [0.0] * 32), "pi1.bias": ([4], [0.0, 0.0, 5.0, 0.0])}
    header, data = {"__metadata__": metadata or {}}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class FlyInGym(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.modules = pathlib.Path(place.name)
        self.policy = self.modules / "final.safetensors"
        write_policy(self.policy)

    def provide(self, name, interface, names):
        (self.modules / f"{name}.py").write_text(MODULE.format(**interface, names=names))

    def fly(self, *flags):
        # -S: what is installed on this machine does not count.
        run = f"import sys, runpy; sys.path.insert(0, {str(self.modules)!r}); sys.argv = {[str(SCRIPT), str(self.policy), *flags]!r}; " \
              f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
        done = subprocess.run([sys.executable, "-S", "-B", "-c", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def check_flight(self, made):
        code, output, errors = self.fly("--episodes", "5", "--greedy")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(output.splitlines(), [made, "5 episodes: mean return 6.0, standard deviation 0.0"])

    def test_a_network_that_the_script_does_not_compute_is_refused(self):
        self.provide("gymnasium", NEW, ["LunarLander-v3"])
        for network in ("mlp 64 relu", "mlp tanh shared", "mlp 8 tanh layer-norm", "mlp 8 tanh gru 4", "own"):
            write_policy(self.policy, {"network": network})
            code, output, errors = self.fly("--episodes", "1")
            self.assertEqual(code, 1)
            self.assertNotIn("mean return", output)
            self.assertIn(f"holds the network '{network}'", errors)
        write_policy(self.policy, {"network": "mlp tanh"})
        self.check_flight("made LunarLander-v3 of gymnasium")

    def test_gymnasium(self):
        self.provide("gymnasium", NEW, ["LunarLander-v3"])
        self.check_flight("made LunarLander-v3 of gymnasium")

    def test_gymnasium_that_has_the_second_version_only(self):
        self.provide("gymnasium", NEW, ["LunarLander-v2"])
        self.check_flight("made LunarLander-v2 of gymnasium")

    def test_gymnasium_wins_over_gym(self):
        self.provide("gymnasium", NEW, ["LunarLander-v3"])
        self.provide("gym", OLD, ["LunarLander-v2"])
        self.check_flight("made LunarLander-v3 of gymnasium")

    def test_gym_with_the_new_interface(self):
        self.provide("gym", NEW, ["LunarLander-v2"])
        self.check_flight("made LunarLander-v2 of gym")

    def test_gym_with_the_old_interface(self):
        self.provide("gym", OLD, ["LunarLander-v2"])
        self.check_flight("made LunarLander-v2 of gym")

    def test_sampled_actions(self):
        self.provide("gymnasium", NEW, ["LunarLander-v3"])
        code, output, _ = self.fly("--episodes", "5")
        self.assertEqual(code, 0)
        self.assertIn("5 episodes: mean return", output)

    def test_a_termination_ends_an_episode_too(self):
        self.provide("gymnasium", {**NEW, "step": "observation, reward, over, False, {}"}, ["LunarLander-v3"])
        self.check_flight("made LunarLander-v3 of gymnasium")

    def test_neither_is_installed(self):
        code, output, errors = self.fly()
        self.assertEqual((code, output), (1, ""))
        self.assertIn("neither gymnasium nor gym is installed", errors)
        self.assertNotIn("Traceback", errors)


if __name__ == "__main__":
    unittest.main()
