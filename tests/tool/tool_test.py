"""Plays with the tool `genkidama` as a user does: tasks of all kinds, runs that know their task, and mistakes.

    tool_test.py TOOL PLUGIN BAD_PLUGINS_FOLDER SOURCE_FOLDER
"""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL, PLUGIN, BAD, SOURCE = (Path(word).resolve() for word in sys.argv[1:5])
del sys.argv[1:5]
LIMIT_S = 120 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))
LIKE = SOURCE / "tests/env/process/gymnasium_like"
MORE = ("--workers", "1", "--updates", "3", "--eval-episodes", "0", "--round-steps", "200")
FEW = ("--workers", "1", "--updates", "2", "--eval-episodes", "2", "--round-steps", "32")
# Episodes of eight steps; each process fails in its 40th one.
FAILING = """
import os
import time
from types import SimpleNamespace


class Failing:
    observation_space = SimpleNamespace(low=-1.0, high=1.0, shape=(1,))
    action_space = SimpleNamespace(n=2, shape=())
    played = steps = 0

    def reset(self, seed=None, options=None):
        self.steps = 0
        return [0.0], {}

    def step(self, action):
        if self.played % 40 == 39:
            FAIL
        self.played += 1
        self.steps += 1
        return [0.1 * self.steps], 1.0, self.steps == 8, False, {}
"""


def call(*words, folder=None, **variables):
    environment = dict(os.environ)
    environment.update({"GENKIDAMA_PYTHON": "/usr/bin/python3", "PYTHONDONTWRITEBYTECODE": "1"}, **variables)
    return subprocess.run([str(TOOL), *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S, cwd=folder,
                          env=environment)


class Tool(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def check(self, result, code=0):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def train(self, task, *words, run=None, few=FEW, **variables):
        run = run or self.folder / "run"
        self.check(call("train", task, *few, "--run-dir", run, *words, folder=self.folder, **variables))
        return json.loads((run / "config.json").read_text())

    def refused(self, *words, code=2, **variables):
        result = self.check(call(*words, folder=self.folder, **variables), code)
        lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        return lines[0]

    def test_a_bundled_task_is_trained_resumed_and_evaluated_by_name(self):
        config = self.train("CartPole-v1")
        self.assertEqual((config["task"], config["environment"]), ("CartPole-v1", "CartPole-v1"))
        self.check(call("train", "--resume", self.folder / "run", "--updates", "3"))
        for checkpoint in ("final.safetensors", "."):
            result = call("evaluate", "--checkpoint", self.folder / "run" / checkpoint, "--episodes", "3", "--workers",
                          "1")
            self.assertIn("CartPole-v1", self.check(result).stdout + result.stderr)

    def test_a_policy_learnt_from_replay_is_evaluated_as_what_it_is(self):
        few = ("--workers", "1", "--updates", "3", "--eval-episodes", "2", "--round-steps", "64", "--learning-starts",
               "64")
        for task, preset, loss in (("cart-pole", "dqn", "dqn"), ("cart-pole", "dqn", "qr_dqn"),
                                   ("cart-pole", "dyna-q", "dyna_q"), ("pendulum", "sac", "sac"),
                                   ("pendulum", "sac", "td3")):
            with self.subTest(loss=loss):
                run = self.folder / loss
                self.train(task, "--preset", preset, "--loss", loss, run=run, few=few)
                played = self.folder / f"{loss}.json"
                self.check(call("evaluate", "--checkpoint", run, "--episodes", "2", "--workers", "1", "--json", played))
                told = json.loads((run / "summary.json").read_text())["final_evaluation"]["mean"]
                self.assertEqual(json.loads(played.read_text())["mean"], told)
                self.check(call("check", task, "--preset", preset, "--loss", loss))

    def test_the_tasks_are_listed(self):
        text = self.check(call("tasks")).stdout
        for word in ("cart-pole", "lunar-lander", "./my_env.so", "gymnasium:CartPole-v1"):
            self.assertIn(word, text)
        # Each summary has a column of its own.
        columns = {re.match(r"  \S+ {2,}", line).end() for line in text.splitlines() if line.startswith("  ")}
        self.assertEqual(len(columns), 1, text)
        self.assertIn("unknown argument 'extra'", self.refused("tasks", "extra"))
        self.assertIn("tasks", self.check(call("--help")).stdout.split("Subcommands:")[1])
        self.assertIn("plan, tasks", self.refused("fly"))

    def test_help_needs_no_task(self):
        self.assertIn("genkidama train lunar-lander", self.check(call("--help")).stdout)
        self.assertIn("--gamma", self.check(call("train", "--help")).stdout)
        self.assertIn("--gamma", self.check(call("train", "cart-pole", "--help")).stdout)
        self.check(call("--version"))

    def test_what_is_no_task_is_refused(self):
        self.assertIn("did you mean 'cart-pole'", self.refused("train", "cart-poll"))
        self.assertIn("no task was named", self.refused("train"))
        self.assertIn("unknown command", self.refused("fly", "cart-pole"))
        self.assertIn("unknown argument 'acrobot'", self.refused("train", "cart-pole", "acrobot"))
        self.check(call(), 2)

    def test_a_shared_object_is_played_and_its_run_knows_where_it_lies(self):
        link = self.folder / "my_env.so"
        link.symlink_to(PLUGIN)
        config = self.train("./my_env.so")
        self.assertEqual((config["task"], config["environment"]), (str(link), "Tank"))
        self.check(call("train", "--resume", self.folder / "run", "--updates", "3", folder="/"))
        self.check(call("check", "my_env.so", "--episodes", "3", folder=self.folder))
        self.only_with_its_task(link, "./my_env.so")

    def only_with_its_task(self, recorded, task, **variables):
        """A file of a stranger does not choose the code that runs."""
        policy = self.folder / "run/final.safetensors"
        words = ("evaluate", "--checkpoint", policy, "--episodes", "2", "--workers", "1")
        refusal = self.refused(*words, **variables)
        self.assertIn(f"it says --task {recorded}, and a task of that kind runs code of its own", refusal)
        typed = refusal.split("say so yourself: ")[1].split()
        self.check(call(*typed[1:], **variables))
        self.check(call("evaluate", task, *words[1:], folder=self.folder, **variables))
        config = self.folder / "config.json"
        config.write_text(json.dumps({"task": str(recorded)}))
        begin = ("--config", config, *FEW, "--run-dir")
        self.assertIn(f"it says --task {recorded}", self.refused("train", *begin, self.folder / "a", **variables))
        self.assertFalse((self.folder / "a").exists())
        self.check(call("train", task, *begin, self.folder / "b", folder=self.folder, **variables))

    def test_a_program_that_speaks_the_protocol_is_played(self):
        program = self.folder / "engine"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -m genkidama_serve python:{SOURCE}/tests/env/process/"
                           "python_tasks.py:Task\n")
        program.chmod(0o755)
        variables = {"PYTHONPATH": f"{SOURCE}/python:{LIKE}"}
        config = self.train("process:./engine", **variables)
        self.assertEqual((config["task"], config["environment"]), (f"process:{program}", "Task"))
        self.check(call("train", "--resume", self.folder / "run", "--updates", "3", folder="/", **variables))
        self.only_with_its_task(f"process:{program}", "process:./engine", **variables)
        self.assertIn("write process: before its path", self.refused("train", "./engine"))
        self.assertIn("names no program", self.refused("train", "process:"))
        self.assertIn("cannot start", self.refused("train", "process:./nowhere"))

    def test_a_wrong_shared_object_is_refused(self):
        for name, text in {
                "no_symbol": "exports no environment",
                "other_version": "was compiled with Genkidama 0.1.7",
                "other_format": "was compiled with Genkidama",
                "other_sizes": "its types have other sizes",
                "null_plugin": "(unknown)",
                "throws": "its factory threw an exception: the licence has expired",
                "throws_int": "its factory threw an exception: something that is no std::exception",
                "returns_nothing": "its factory returned no environment",
        }.items():
            with self.subTest(name):
                self.assertIn(text, self.refused("train", BAD / f"lib{name}.so"))
        (self.folder / "text.so").write_text("not an ELF file")
        self.assertIn("cannot be loaded", self.refused("train", "./text.so"))
        self.assertIn("cannot be loaded", self.refused("train", "./nowhere.so"))

    def test_an_id_of_gymnasium_is_played(self):
        config = self.train("gymnasium:CartPole-v1", PYTHONPATH=str(LIKE))
        self.assertEqual((config["task"], config["environment"]), ("gymnasium:CartPole-v1", "CartPole-v1"))
        self.only_with_its_task("gymnasium:CartPole-v1", "gymnasium:CartPole-v1", PYTHONPATH=str(LIKE))
        self.assertIn("gymnasium cannot make 'Moon-v9'", self.refused("train", "gymnasium:Moon-v9", PYTHONPATH=str(LIKE)))

    def test_a_python_that_cannot_play_is_named(self):
        (self.folder / "gymnasium.py").write_text("raise ImportError('not here')\n")
        self.assertIn("cannot import gymnasium",
                      self.refused("train", "gymnasium:CartPole-v1", PYTHONPATH=str(self.folder)))
        for python in "python9", "/nope":
            self.assertIn(f"GENKIDAMA_PYTHON is '{python}', and cannot start '{python}'",
                          self.refused("train", "gymnasium:X-v1", GENKIDAMA_PYTHON=python))
        self.assertIn("GENKIDAMA_PYTHON_PATH is '/nowhere', and there is no genkidama_serve.py",
                      self.refused("train", "gymnasium:X-v1", GENKIDAMA_PYTHON_PATH="/nowhere"))

    def test_an_environment_without_an_end_is_evaluated_and_told(self):
        (self.folder / "task.py").write_text(FAILING.replace("self.played % 40 == 39", "False").replace(
            "FAIL", "pass").replace("self.steps == 8", "False").replace("0.1 * self.steps", "0.0"))
        task = f"python:{self.folder}/task.py:Failing"
        words = ("--workers", "1", "--updates", "1", "--eval-episodes", "1", "--run-dir", self.folder / "run")
        result = self.check(call("train", task, *words))
        self.assertEqual(result.stderr.count("1 of 1 evaluated episodes of 'Failing' had no end"), 1, result.stderr)
        evaluation = json.loads((self.folder / "run/summary.json").read_text())["final_evaluation"]
        self.assertEqual((evaluation["mean_length"], evaluation["truncated_share"]), (65536, 1))
        text = self.check(call("check", task, "--episodes", "2")).stdout
        self.assertIn("time limit none", text)
        self.assertNotIn("2147483647", text)

    def test_a_fault_of_every_episode_ends_early(self):
        (self.folder / "task.py").write_text(FAILING.replace("self.played % 40 == 39", "True").replace(
            "FAIL", "return None"))
        error = self.refused("train", f"python:{self.folder}/task.py:Failing", *FEW, "--run-dir", self.folder / "run",
                             code=1)
        self.assertIn("failed 10 times in a row in the first step of an episode, always alike", error)
        self.assertIn("a NoneType was returned; expected step()", error)

    def test_a_process_that_fails_every_so_often_costs_episodes_that_are_counted(self):
        for failure, words in {"os._exit(3)": (), "time.sleep(600)": ("--step-timeout", "1")}.items():
            with self.subTest(failure):
                folder = self.folder / failure[:4]
                folder.mkdir()
                (folder / "task.py").write_text(FAILING.replace("FAIL", failure))
                config = self.train(f"python:{folder}/task.py:Failing", *words, few=MORE, run=folder / "run")
                summary = json.loads((folder / "run/summary.json").read_text())
                self.assertGreater(summary["lost_episodes"], 0)
                self.assertEqual(config["step_timeout"], 1 if words else 10)
                rows = csv.DictReader((folder / "run/metrics.csv").read_text().splitlines())
                lost = [int(row["lost_episodes"]) for row in rows]
                self.assertEqual((lost, lost[-1]), (sorted(lost), summary["lost_episodes"]))
                self.assertEqual(config["envs_per_process"], 1)
        together = ("--envs-per-worker", "4", "--envs-per-process", "4")
        self.train(f"python:{self.folder}/os._/task.py:Failing", *together, few=MORE, run=self.folder / "together")
        summary = json.loads((self.folder / "together/summary.json").read_text())
        self.assertGreater(summary["lost_episodes"], 0)
        self.assertEqual(summary["lost_episodes"] % 4, 0)
        folder = self.folder / "always"
        folder.mkdir()
        (folder / "task.py").write_text(FAILING.replace("% 40 == 39", ">= 0").replace("FAIL", "os._exit(3)"))
        self.assertIn("2 episodes in a row were lost",
                      self.refused("train", f"python:{folder}/task.py:Failing", "--max-lost-episodes", "2", "--workers",
                                   "1", "--run-dir", folder / "run", code=1))
        for word, value in ("--step-timeout", "0"), ("--start-timeout", "x"), ("--max-lost-episodes", "0"), ("--envs-per-process", "0"):
            self.assertIn(word, self.refused("train", "cart-pole", word, value))

    def test_a_class_in_a_file_is_played_in_a_cluster_and_in_a_sweep(self):
        example = SOURCE / "examples/python_environment/target_task.py"
        task = f"python:{example}:TargetTask"
        self.check(call("cluster", task, "--children", "1", *FEW, "--run-dir", self.folder / "cluster"))
        self.assertEqual(json.loads((self.folder / "cluster/config.json").read_text())["task"], task)
        self.check(call("sweep", "train", task, "--workers", "1", "--updates", "1", "--round-steps", "32", "--grid",
                        "gamma=0.9", "--eval-episodes", "2", "--run-dir", self.folder / "sweep"))
        self.assertIn("has no class or function 'Nobody'", self.refused("train", f"python:{example}:Nobody"))


if __name__ == "__main__":
    unittest.main()
