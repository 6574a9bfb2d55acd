"""Runs the examples that a user kills, resumes and talks to."""

import importlib.util
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAMS = Path(sys.argv.pop(1))
PATIENCE_S = 60 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))


class Talk:
    """A program on a terminal of its own, so that each of its lines comes at once."""

    def __init__(self, *arguments, **options):
        self.terminal, end = pty.openpty()
        self.process = subprocess.Popen(arguments, stdin=end, stdout=end, stderr=end, **options)
        os.close(end)
        self.text = ""
        os.set_blocking(self.terminal, True)

    def read_until(self, words):
        """The text up to and with `words`; fails when the program ends before it says them."""
        while words not in self.text:
            try:
                piece = os.read(self.terminal, 4096)
            except OSError:  # nobody has the other end any more
                piece = b""
            if not piece:
                raise AssertionError(f"the program ended without '{words}': {self.text}")
            self.text += piece.decode().replace("\r\n", "\n")
        before, _, self.text = self.text.partition(words)
        return before + words

    def say(self, line):
        os.write(self.terminal, (line + "\n").encode())

    def end(self, signal_number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(PATIENCE_S)
        os.close(self.terminal)
        return code


class RunFromCode(unittest.TestCase):
    def run_whole(self, directory):
        done = subprocess.run(
            [PROGRAMS / "run_from_code", directory], capture_output=True, text=True, timeout=PATIENCE_S
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_a_killed_run_goes_on_to_the_same_weights(self):
        with tempfile.TemporaryDirectory() as place:
            whole = self.run_whole(f"{place}/whole")
            self.assertRegex(whole[-1], r"^mean return [\d.]+ over 100 episodes, 95 % interval [\d.]+ to [\d.]+$")

            killed = Talk(PROGRAMS / "run_from_code", f"{place}/killed")
            killed.read_until("update 25:")
            killed.end()
            self.assertFalse(Path(place, "killed", "final.safetensors").exists())
            resumed = self.run_whole(f"{place}/killed")
            self.assertNotIn("update 5:", "\n".join(resumed))  # it did go on
            self.assertEqual(resumed[-1], whole[-1])
            files = [Path(place, run, "final.safetensors").read_bytes() for run in ("whole", "killed")]
            self.assertEqual(files[0], files[1])


class ClusterAndSweep(unittest.TestCase):
    def run_whole(self, directory):
        done = subprocess.run(
            [PROGRAMS / "cluster_and_sweep", directory], capture_output=True, text=True, timeout=2 * PATIENCE_S
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("threads", done.stderr)  # every process is forked before there are any
        return done.stdout

    def test_every_run_is_a_cluster_and_the_second_call_has_nothing_to_do(self):
        with tempfile.TemporaryDirectory() as place:
            first = self.run_whole(place)
            self.assertRegex(first, r"^alpha=0.1: mean return [\d.]+ over 2 seeds, .*\nalpha=0.5: mean return ")
            table = Path(place, "results.csv").read_text()
            self.assertEqual(table.count("\n"), 1 + 4 * 2)  # updates 10 and 20 of each run
            for run in Path(place, "runs").glob("alpha=*/seed_?"):
                self.assertEqual(json.loads(Path(run, "config.json").read_text())["command"], "cluster")
                for child in ("child_1", "child_2"):
                    summary = json.loads(Path(run, "children", child, "summary.json").read_text())
                    self.assertEqual(summary["ended_by"], "parent")
            self.assertEqual(self.run_whole(place), first)
            self.assertEqual(Path(place, "results.csv").read_text(), table)


class ChildInAProgram(unittest.TestCase):
    def test_it_answers_while_it_trains_and_ends_when_it_is_told(self):
        with tempfile.TemporaryDirectory() as place:
            parent = Talk(PROGRAMS / "cart_pole", "parent", "--listen", "127.0.0.1:0", "--run-dir", f"{place}/parent")
            child = None
            try:
                parent.read_until("listens on port ")
                port = parent.read_until("\n").strip()
                child = Talk(PROGRAMS / "child_in_a_program", f"127.0.0.1:{port}", f"{place}/child")
                child.read_until("type 'status' or 'quit'")
                deadline = time.monotonic() + PATIENCE_S
                exchanges = 0
                while exchanges < 3 and time.monotonic() < deadline:
                    child.say("status")
                    child.read_until("status\n")
                    answer = child.read_until("\n")
                    if " exchanges" in answer:
                        exchanges = int(answer.split(" updates, ")[1].split()[0])
                self.assertGreaterEqual(exchanges, 3)
                child.say("quit")
                child.read_until("the run ended by user after ")
                self.assertEqual(child.process.wait(PATIENCE_S), 0)
                self.assertTrue(Path(place, "child", "summary.json").exists())
            finally:
                if child:
                    child.end()
                parent.end(signal.SIGTERM)


class ActorsAndLearner(unittest.TestCase):
    def test_two_actors_play_until_the_learner_has_its_updates(self):
        with tempfile.TemporaryDirectory() as place:
            program = PROGRAMS / "actors_and_learner"
            learner = Talk(program, "learner", "127.0.0.1:0", f"{place}/learner")
            actors = []
            try:
                learner.read_until("listens on port ")
                port = learner.read_until("\n").strip()
                for number in (1, 2):
                    actors.append(Talk(program, "actor", f"127.0.0.1:{port}", f"{place}/actor_{number}"))
                learner.read_until("update 20: mean return ")
                for actor in actors:
                    actor.read_until("played ")
                learner.read_until("mean return ")
                for each in [learner, *actors]:
                    self.assertEqual(each.process.wait(PATIENCE_S), 0)
                summary = json.loads(Path(place, "learner", "summary.json").read_text())
                self.assertEqual(summary["updates"], 120)
                self.assertEqual(summary["actors"], "asynchronous")
                self.assertEqual(summary["actors_joined"], 2)
                # A policy that does nothing ends below -20.
                self.assertGreater(summary["final_evaluation"]["mean"], -10)
            finally:
                for each in [learner, *actors]:
                    each.end()


class SettingsFromAnotherProgram(unittest.TestCase):
    def sweep(self, place):
        return [str(PROGRAMS / "cart_pole"), "sweep", "train", "--workers", "1", "--max-steps", "1000",
                "--eval-episodes", "2", "--run-dir", str(place)]

    def test_the_sweep_asks_and_tells_and_prints_nothing_else_on_its_output(self):
        with tempfile.TemporaryDirectory() as place:
            sweep = subprocess.Popen([*self.sweep(f"{place}/sweep"), "--search", "ask"], text=True, bufsize=1,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            answers = ['{"answer": 1, "setting": {"gama": 0.5}}', '{"answer": 1, "setting": {"seed": 3}}',
                       '{"answer": 1, "setting": {"gamma": 0.5}}', '{"end": true}']
            heard = []
            for line in sweep.stdout:
                heard.append(json.loads(line))
                if "ask" in heard[-1] or "refused" in heard[-1]:
                    print(answers.pop(0), file=sweep.stdin, flush=True)
            errors = sweep.communicate(timeout=PATIENCE_S)[1]
            self.assertEqual(sweep.returncode, 0, errors)
            self.assertEqual([next(iter(line)) for line in heard],
                             ["sweep", "ask", "refused", "refused", "tell", "ask", "end"], heard)
            self.assertIn("'gama' is not an option", heard[2]["why"])
            self.assertIn("the seeds of a sweep come from --seeds", heard[3]["why"])
            self.assertEqual(heard[4]["tell"], 1)
            self.assertGreaterEqual(heard[4]["steps"], 1000)
            self.assertIn("1 of 1 runs are done", errors)
            self.assertTrue(Path(place, "sweep", "runs", "gamma=0.5", "seed_1", "final.safetensors").exists())

    @unittest.skipUnless(importlib.util.find_spec("optuna"), "Optuna is not installed")
    def test_optuna_chooses_and_goes_on(self):
        script = Path(__file__).resolve().parents[2] / "examples" / "optuna_sweep" / "optuna_sweep.py"
        with tempfile.TemporaryDirectory() as place:
            for trials in (2, 3):
                done = subprocess.run([sys.executable, script, *self.sweep(f"{place}/sweep"), "--trials", str(trials)],
                                      capture_output=True, text=True, timeout=2 * PATIENCE_S)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"best of {trials}: ", done.stdout)
            self.assertEqual(done.stderr.count(": starts"), 1)  # what the first call made was known


if __name__ == "__main__":
    unittest.main()
