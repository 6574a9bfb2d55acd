#!/usr/bin/env python3
"""Ranks under mpirun that average their weights: mpi_test.py MPIRUN RANKS PROGRAM."""
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MPIRUN, RANKS, PROGRAM = sys.argv[1:4]
LIMIT_S = 120


def mpirun(count, *words):
    return [MPIRUN, "--oversubscribe", "-n", str(count), *map(str, words)]


def run(words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)


def rank_of(pid):
    """The rank of a process, by its environment, and its parent."""
    try:
        variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return None, None
    for variable in variables:
        if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(variable.split(b"=")[1]), parent
    return None, parent


def find_rank(launcher, rank):
    """The process that the launcher started for a rank."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and rank_of(entry.name) == (rank, launcher):
            return int(entry.name)
    return None


class Ranks(unittest.TestCase):
    def check_passes(self, mode):
        done = run(mpirun(3, RANKS, mode))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("passed"), 3)

    def test_weights_become_their_mean_by_steps_and_statistics_are_merged(self):
        self.check_passes("average")

    def test_moments_become_their_mean_by_steps_of_the_ranks_that_have_some(self):
        self.check_passes("moments")

    def test_all_begin_with_the_moments_of_rank_0(self):
        self.check_passes("first-moments")

    def test_other_moments_are_refused(self):
        self.check_passes("other-moments")

    def test_a_rank_that_ends_ends_all(self):
        self.check_passes("end")

    def test_another_policy_is_refused_with_its_rank(self):
        self.check_passes("policy")

    def test_a_rank_that_does_not_come_is_waited_for_so_long_and_no_longer(self):
        done = run(mpirun(3, RANKS, "missing"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("has waited 0.3 s for the other 2 ranks in vain", done.stderr)

    def test_a_wait_can_be_given_up(self):
        done = run(mpirun(3, RANKS, "give-up"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("gave up", done.stderr)

    def test_a_process_without_a_launcher_is_a_group_of_one(self):
        for mode in ("average", "moments", "first-moments"):
            with self.subTest(mode=mode):
                done = run([RANKS, mode])
                self.assertEqual((done.returncode, done.stdout), (0, "passed\n"), done.stderr)


class Program(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.directory = pathlib.Path(self.place.name) / "run"

    def train(self, *words):
        return [PROGRAM, "train", "--preset=tuned", "--workers=1", "--round-steps=256", "--schedule-steps=1000000",
                *words]

    def summary(self, directory=None):
        return json.loads(((directory or self.directory) / "summary.json").read_text())

    def rows(self, directory):
        with open(directory / "metrics.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_all_machines_train_and_machine_0_keeps_the_policy(self):
        done = run(mpirun(3, *self.train("--exchange=mpi", "--updates=6", "--eval-episodes=5",
                                         f"--run-dir={self.directory}")))
        self.assertEqual(done.returncode, 0, done.stderr)
        for machine in (self.directory, self.directory / "machine-1", self.directory / "machine-2"):
            self.assertEqual([row["averaged"] for row in self.rows(machine)], ["1"] * 6)
            self.assertEqual(self.summary(machine)["updates"], 6)
        self.assertEqual(self.summary()["final_evaluation"]["episodes"], 5)
        self.assertIsNone(self.summary(self.directory / "machine-1")["final_evaluation"])
        # They play episodes of their own and have the same weights.
        returns = [[row["return_mean"] for row in self.rows(machine)]
                   for machine in (self.directory, self.directory / "machine-1")]
        self.assertNotEqual(*returns)
        finals = [(machine / "final.safetensors").read_bytes()[-2000:]
                  for machine in (self.directory, self.directory / "machine-2")]
        self.assertEqual(*finals)

    def test_moments_are_averaged_where_that_is_asked_for(self):
        finals = {}
        for averages in ("true", "false"):
            directory = self.directory / averages
            done = run(mpirun(2, *self.train("--exchange=mpi", "--updates=4", "--eval-episodes=0",
                                             f"--average-moments={averages}", f"--run-dir={directory}")))
            self.assertEqual(done.returncode, 0, done.stderr)
            pair = [(machine / "final.safetensors").read_bytes()[-2000:]
                    for machine in (directory, directory / "machine-1")]
            self.assertEqual(*pair)
            finals[averages] = pair[0]
        self.assertNotEqual(finals["true"], finals["false"])

    def test_one_rank_learns_what_train_learns(self):
        other = pathlib.Path(self.place.name) / "alone"
        self.assertEqual(run(mpirun(1, *self.train("--exchange=mpi", "--updates=3", "--eval-episodes=0",
                                                   f"--run-dir={self.directory}"))).returncode, 0)
        self.assertEqual(run(self.train("--updates=3", "--eval-episodes=0", f"--run-dir={other}")).returncode, 0)
        self.assertEqual(*((machine / "final.safetensors").read_bytes()[-2000:]
                           for machine in (self.directory, other)))

    def test_the_steps_of_a_run_are_shared(self):
        done = run(mpirun(2, *self.train("--exchange=mpi", "--max-steps=2000", "--eval-episodes=0",
                                         f"--run-dir={self.directory}")))
        self.assertEqual(done.returncode, 0, done.stderr)
        played = [self.summary(machine)["environment_steps"]
                  for machine in (self.directory, self.directory / "machine-1")]
        self.assertGreaterEqual(max(played), 1000)
        self.assertLess(max(played), 2000)

    def test_a_rank_that_is_killed_ends_the_run_and_resume_goes_on(self):
        launcher = subprocess.Popen(
            mpirun(3, *self.train("--exchange=mpi", "--updates=1000000", "--checkpoint-seconds=0.1",
                                  f"--run-dir={self.directory}")),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            limit = time.monotonic() + LIMIT_S
            states = [machine / "state.safetensors"
                      for machine in (self.directory, *(self.directory / f"machine-{i}" for i in (1, 2)))]
            while not all(state.exists() for state in states):
                self.assertLess(time.monotonic(), limit, "no states were written")
                self.assertIsNone(launcher.poll(), "the run ended by itself")
                time.sleep(0.05)
            os.kill(find_rank(launcher.pid, 2), signal.SIGKILL)
            _, errors = launcher.communicate(timeout=LIMIT_S)
        finally:
            launcher.kill()
            launcher.communicate()
        self.assertNotEqual(launcher.returncode, 0, errors)
        played = int(self.rows(self.directory)[-1]["update"])
        done = run(mpirun(3, PROGRAM, "train", f"--resume={self.directory}", f"--updates={played + 20}",
                          "--eval-episodes=0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(int(self.rows(self.directory)[-1]["update"]), played)
        self.assertEqual(self.summary()["ended_by"], "updates")

    def test_what_cannot_be_is_refused(self):
        for words, expected in (
                (self.train("--exchange=mpi"), "--run-dir DIR is required with --exchange mpi"),
                (self.train("--exchange=rounds"), "train has no Parent"),
                (self.train("--average-moments=true"), "expected it with --exchange mpi"),
                (self.train("--exchange=mqi"), "--exchange is 'mqi'"),
                ([PROGRAM, "parent", "--listen=127.0.0.1:0", "--exchange=mpi"], "which only train takes")):
            with self.subTest(words=words):
                done = run(words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
