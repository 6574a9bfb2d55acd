"""Evaluations of policies, in tasks and in Python's environments."""

import json
import os
import subprocess
import unittest

import gymnasium_like
import support

import genkidama


class Evaluations(support.TestInFolder):
    @unittest.skipUnless(os.environ.get("GENKIDAMA_TOOL"), "the tool genkidama is not built")
    def test_the_figures_are_those_of_the_tool(self):
        policy = support.trained(self.folder / "run", "cart-pole")
        for deterministic in (True, False):
            mine = genkidama.evaluate(policy, "cart-pole", episodes=20, seed=11, deterministic=deterministic)
            report = self.folder / "report.json"
            subprocess.run([os.environ["GENKIDAMA_TOOL"], "evaluate", "--checkpoint",
                            str(self.folder / "run" / "final.safetensors"), "--episodes", "20", "--seed", "11",
                            f"--greedy={str(deterministic).lower()}", "--json", str(report)],
                           check=True, capture_output=True, timeout=100)
            tools = json.loads(report.read_text())
            self.assertAlmostEqual(mine["mean"], tools["mean"], places=9)
            self.assertAlmostEqual(mine["max"], tools["max"], places=9)

    def test_an_environment_of_pythons_is_played(self):
        policy = support.trained(self.folder / "run", gymnasium_like.Corridor)
        for given in (gymnasium_like.Corridor, lambda: gymnasium_like.Corridor(), gymnasium_like.Corridor()):
            result = genkidama.evaluate(policy, given, episodes=5, seed=1)
            self.assertEqual(result["episodes"], 5)
            self.assertLessEqual(result["mean_length"], gymnasium_like.Corridor.LIMIT)
            self.assertEqual(set(result["metrics"]), {"distance"})

    def test_an_environment_of_the_librarys_is_played(self):
        policy = support.trained(self.folder / "run", "cart-pole")
        by_name = genkidama.evaluate(policy, "cart-pole", episodes=5, seed=2)
        self.assertEqual(genkidama.evaluate(policy, genkidama.make("cart-pole"), episodes=5, seed=2), by_name)
        self.assertEqual((by_name["threshold"], by_name["deterministic"]), (475, True))

    def test_an_exception_of_the_environments_comes_through(self):
        policy = support.trained(self.folder / "run", gymnasium_like.Corridor)
        with self.refused(ZeroDivisionError):
            genkidama.evaluate(policy, gymnasium_like.Failing, episodes=5)

    def test_bad_input_is_refused_with_the_librarys_words(self):
        policy = support.trained(self.folder / "run", "cart-pole")
        with self.refused(genkidama.LayoutError, "LunarLander-v2", "4 floats"):
            genkidama.evaluate(policy, "lunar-lander", episodes=1)
        with self.refused(ValueError, "episodes is 0"):
            genkidama.evaluate(policy, "cart-pole", episodes=0)
        with self.refused(TypeError, "a int was given"):
            genkidama.evaluate(policy, 7)
        with self.refused(ValueError, "no reset"):
            genkidama.evaluate(policy, object)


if __name__ == "__main__":
    unittest.main()
