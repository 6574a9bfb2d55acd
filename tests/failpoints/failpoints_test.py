"""Kills processes of a training at every failpoint, and looks whether it goes on, or can be gone on with.

Usage: failpoints_test.py PROGRAM, an example built with GENKIDAMA_FAILPOINTS.
"""

import csv
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)
SECONDS = 120
KILLED = -9


def start(words, failpoint=None, once=None):
    environment = dict(os.environ)
    if failpoint:
        environment["GENKIDAMA_FAILPOINT"] = failpoint
    if once:
        environment["GENKIDAMA_FAILPOINT_ONCE"] = str(once)
    return subprocess.Popen(
        [PROGRAM, *map(str, words)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """(exit code, what it said)."""
    try:
        _, said = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    return process.returncode, said


def read_weights(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    end = max(tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__")
    assert len(data) == 8 + size + end, path
    return data[8 + size :]


class FailpointTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.once = self.directory / "once"
        self.run_dir = self.directory / "run"

    def train_words(self, updates, workers=1):
        return ["train", "--updates", updates, "--workers", workers, "--seed", "5", "--checkpoint-every", "2",
                "--eval-episodes", "0"]

    def summary(self, name="run"):
        return json.loads((self.directory / name / "summary.json").read_text())

    def check_all_files(self):
        for path in self.directory.rglob("*.safetensors"):
            read_weights(path)


class WorkerTest(FailpointTest):
    """A worker that dies is replaced, and the run ends as if it had not."""

    def test_every_failpoint(self):
        for name in ("worker_before_step", "worker_after_step", "worker_before_arrival", "worker_arriving",
                     "worker_arrived", "worker_in_merge", "server_before_step", "server_after_step"):
            for count in (1, 4):
                with self.subTest(failpoint=name, count=count):
                    self.once.unlink(missing_ok=True)
                    self.run_dir = self.directory / f"{name}_{count}"
                    words = [*self.train_words(6, workers=2), "--run-dir", self.run_dir]
                    if name == "worker_in_merge":
                        # It holds the mutex that the other worker needs.
                        words += ["--sharing", "local", "--merge-every", "1"]
                    if name in ("server_before_step", "server_after_step"):
                        words += ["--sharing", "server"]
                    code, said = finish(start(words, f"{name}:kill:{count}", self.once))
                    self.assertEqual(code, 0, said)
                    self.assertTrue(self.once.exists(), "the failpoint was not reached")
                    summary = self.summary(self.run_dir.name)
                    self.assertEqual((summary["worker_restarts"], summary["updates"]), (1, 6), said)
        self.check_all_files()

    def test_one_of_two_servers(self):
        """The other one and the workers go on, and only a gradient that was begun with is lost."""
        for name, lost in (("server_before_step", 0), ("server_after_step", 1)):
            for count in (1, 4):
                with self.subTest(failpoint=name, count=count):
                    self.once.unlink(missing_ok=True)
                    self.run_dir = self.directory / f"{name}_{count}"
                    words = [*self.train_words(6, workers=2), "--sharing", "server", "--servers", "2"]
                    code, said = finish(start([*words, "--run-dir", self.run_dir], f"{name}:kill:{count}", self.once))
                    self.assertEqual(code, 0, said)
                    self.assertIn("gradient server ", said)
                    summary = self.summary(self.run_dir.name)
                    self.assertEqual((summary["worker_restarts"], summary["updates"]), (1, 6), said)
                    self.assertEqual((summary["lost_gradients"], summary["stale_gradients"]), (lost, 0), said)
        self.check_all_files()


class HelperTest(FailpointTest):
    """A process that only learns a model, or only imagines, is replaced when it dies, and the run learns on."""

    def test_a_modeller_and_a_planner(self):
        for role in ("modellers", "planners"):
            for count in (1, 200):
                with self.subTest(role=role, count=count):
                    self.once.unlink(missing_ok=True)
                    self.run_dir = self.directory / f"{role}_{count}"
                    words = ["train", "--preset", "dyna-q", "--workers", "1", f"--{role}", "1", "--updates", "12",
                             "--round-steps", "500", "--learning-starts", "200", "--planning-starts", "300",
                             "--max-steps", "6000", "--seed", "5", "--eval-episodes", "0", "--run-dir", self.run_dir]
                    code, said = finish(start(words, f"helper_before_work:kill:{count}", self.once))
                    self.assertEqual(code, 0, said)
                    self.assertTrue(self.once.exists(), "the failpoint was not reached")
                    summary = self.summary(self.run_dir.name)
                    self.assertEqual((summary["worker_restarts"], summary["environment_steps"]), (1, 6000), said)
                    self.assertIn("helper 1 of 1", said)
                    # The one that took its place has learnt the model, and has imagined.
                    self.assertLess(summary["model_error"], 0.5)
                    with open(self.run_dir / "metrics.csv", newline="") as table:
                        rows = list(csv.DictReader(table))
                    self.assertGreater(sum(float(row["imagined"]) for row in rows[-6:]), 0)
        self.check_all_files()


class FileTest(FailpointTest):
    """A run that dies over a file goes on from the last one, and with one worker ends as the uninterrupted one."""

    def test_every_failpoint(self):
        code, said = finish(start([*self.train_words(8), "--run-dir", self.directory / "whole"]))
        self.assertEqual(code, 0, said)
        whole = read_weights(self.directory / "whole" / "final.safetensors")
        for name in ("file_opened", "file_part_written", "file_synced", "file_renamed"):
            # A file of weights is written in three parts.
            for count in (1, 8, 15, 22) if name == "file_part_written" else (1, 3, 6, 9):
                with self.subTest(failpoint=name, count=count):
                    run_dir = self.directory / f"{name}_{count}"
                    code, said = finish(start([*self.train_words(8), "--run-dir", run_dir], f"{name}:kill:{count}"))
                    self.assertEqual(code, KILLED, said)
                    self.check_all_files()
                    if (run_dir / "state.safetensors").exists():
                        code, said = finish(start(["train", "--resume", run_dir]))
                    else:
                        # It ended before it had anything to go on from.
                        run_dir = run_dir.with_suffix(".anew")
                        code, said = finish(start([*self.train_words(8), "--run-dir", run_dir]))
                    self.assertEqual(code, 0, said)
                    self.assertEqual(read_weights(run_dir / "final.safetensors"), whole)

    def test_an_error_leaves_the_run_going(self):
        """A checkpoint that cannot be written is no reason to end."""
        words = [*self.train_words(8), "--run-dir", self.run_dir]
        code, said = finish(start(words, "file_synced:error:4"))
        self.assertEqual(code, 0, said)
        self.assertIn("failpoint file_synced", said)
        self.check_all_files()


class LinkTest(FailpointTest):
    """A Parent or a Child that dies within an exchange is started again, and the run comes to its end."""

    def setUp(self):
        super().setUp()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def parent(self, failpoint=None, resume=False):
        place = ["--resume" if resume else "--run-dir", self.directory / "parent"]
        words = ["parent", "--listen", f"127.0.0.1:{self.port}", "--updates", "40", "--checkpoint-every", "5"]
        process = start([*words, "--eval-episodes", "0", *place], failpoint)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return process
            except OSError:
                self.assertIsNone(process.poll(), "the Parent ended")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def child(self, name, failpoint=None):
        words = ["child", "--connect", f"127.0.0.1:{self.port}", "--name", name, "--workers", "1"]
        words += ["--eval-episodes", "0", "--checkpoint-every", "2", "--run-dir", self.directory / name]
        return start(words, failpoint)

    def check_end(self, parent, *children):
        for process in (parent, *children):
            code, said = finish(process)
            self.assertEqual(code, 0, said)
        summary = self.summary("parent")
        self.assertEqual((summary["updates"], summary["refused_updates"]), (40, 0))
        self.check_all_files()

    def test_a_child(self):
        for name in ("child_before_send", "child_sent", "child_answered"):
            with self.subTest(failpoint=name):
                self.setUp()
                parent = self.parent()
                code, said = finish(self.child("dies", f"{name}:kill:3"))
                self.assertEqual(code, KILLED, said)
                self.check_end(parent, self.child("lives"))

    def test_a_parent(self):
        for name in ("parent_merged", "parent_answered"):
            with self.subTest(failpoint=name):
                self.setUp()
                parent = self.parent(f"{name}:kill:12")
                child = self.child("child")
                code, said = finish(parent)
                self.assertEqual(code, KILLED, said)
                self.check_end(self.parent(resume=True), child)


class ShardTest(FailpointTest):
    """A shard that dies is gone on with from its last state, and its learner waits for it and comes to its end."""

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def shard(self, number, port, failpoint=None, resume=False):
        place = self.directory / f"shard{number}"
        words = ["--resume", place] if resume else ["--run-dir", place, "--slice", f"{number}/2", "--preset", "tuned"]
        return start(["shard", "--listen", f"127.0.0.1:{port}", "--checkpoint-seconds", "0.2", *words], failpoint)

    def test_every_failpoint(self):
        for name, count in (("shard_received", 20), ("shard_before_apply", 20), ("shard_after_apply", 20),
                            ("shard_after_apply", 1), ("shard_state", 2), ("file_synced", 5), ("file_renamed", 6)):
            with self.subTest(failpoint=name, count=count):
                self.setUp()
                ports = [self.free_port(), self.free_port()]
                whole = self.shard(1, ports[0])
                dying = self.shard(2, ports[1], f"{name}:kill:{count}")
                learner = start(["train", "--preset", "tuned", "--shards", *(f"127.0.0.1:{port}" for port in ports),
                                 "--workers", "2", "--round-steps", "64", "--updates", "60", "--eval-episodes", "0",
                                 "--run-dir", self.run_dir])
                try:
                    code, said = finish(dying)
                    self.assertEqual(code, KILLED, said)
                    again = self.shard(2, ports[1], resume=True)
                    code, said = finish(learner)
                    self.assertEqual(code, 0, said)
                    self.assertIn("is away", said)
                    for process in (whole, again):
                        process.terminate()
                        code, said = finish(process)
                        self.assertEqual(code, 128 + 15, said)
                finally:
                    for process in (whole, dying, learner):
                        process.kill()
                summary = self.summary()
                self.assertEqual((summary["updates"], summary["worker_restarts"]), (60, 0))
                # What was on its way when the link was lost; how much that was depends on the batch.
                self.assertLessEqual(summary["lost_gradients"], 4)
                self.assertEqual(self.summary("shard2")["ended_by"], "signal")
                self.check_all_files()

    def test_a_learner(self):
        """The process that holds the links dies, and is replaced like any worker."""
        ports = [self.free_port(), self.free_port()]
        shards = [self.shard(number, port) for number, port in enumerate(ports, start=1)]
        words = ["train", "--preset", "tuned", "--shards", *(f"127.0.0.1:{port}" for port in ports), "--workers", "2",
                 "--round-steps", "64", "--updates", "20", "--eval-episodes", "0", "--run-dir", self.run_dir]
        code, said = finish(start(words, "learner_sent:kill:10", self.once))
        for process in shards:
            process.terminate()
            finish(process)
        self.assertEqual(code, 0, said)
        self.assertTrue(self.once.exists(), "the failpoint was not reached")
        self.assertEqual(self.summary()["worker_restarts"], 1)


if __name__ == "__main__":
    unittest.main()
