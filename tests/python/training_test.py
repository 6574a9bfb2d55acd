"""Runs that Python starts."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import unittest
from pathlib import Path

import gymnasium_like
import support

import genkidama


def metrics_of(folder):
    with open(folder / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def python(code, **options):
    """A Python of its own that runs the code, with this folder in its path."""
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd=Path(__file__).parent, **options)


class Runs(support.TestInFolder):
    def train(self, task="cart-pole", **options):
        return genkidama.train(task, run_dir=self.folder / "run", **{**support.SHORT, "round_steps": 64, **options})

    def test_the_files_are_those_of_the_tool(self):
        run = self.train(updates=3, eval_episodes=4, gamma=0.9, hidden=[8, 8], greedy=True)
        self.assertEqual((run["ended_by"], run["updates"], run["stopped"]), ("updates", 3, False))
        self.assertEqual(run["final_evaluation"]["episodes"], 4)
        folder = Path(run["run_dir"])
        config = json.loads((folder / "config.json").read_text())
        self.assertEqual((config["command"], config["task"], config["gamma"], config["hidden"]),
                         ("train", "cart-pole", 0.9, "8,8"))
        self.assertEqual(json.loads((folder / "summary.json").read_text())["environment_steps"], run["steps"])
        self.assertEqual(len(metrics_of(folder)), 3)

    @unittest.skipUnless(os.environ.get("GENKIDAMA_TOOL"), "the tool genkidama is not built")
    def test_the_tool_learns_the_same_and_goes_on_with_the_run(self):
        self.train(updates=3)
        tools = self.folder / "tools"
        words = [os.environ["GENKIDAMA_TOOL"], "train"]
        more = ["--workers", "1", "--eval-episodes", "0", "--seed", "3", "--round-steps", "64", "--updates"]
        subprocess.run([*words, "cart-pole", "--run-dir", str(tools), *more, "3"], check=True, capture_output=True,
                       timeout=100)
        self.assertEqual((tools / "final.safetensors").read_bytes(),
                         (self.folder / "run" / "final.safetensors").read_bytes())
        subprocess.run([*words, "--resume", str(self.folder / "run"), "--updates", "5"], check=True,
                       capture_output=True, timeout=100)
        self.assertEqual(len(metrics_of(self.folder / "run")), 5)

    def test_a_callback_is_told_each_update_and_may_end_the_run(self):
        seen = []

        def callback(figures):
            seen.append(figures)
            return len(seen) < 3

        run = self.train(callback=callback, updates=50)
        self.assertEqual([figures["update"] for figures in seen], [1, 2, 3])
        self.assertEqual((run["ended_by"], run["stopped"], run["updates"]), ("callback", True, 3))
        self.assertEqual(seen[-1]["steps"], run["steps"])
        rows = metrics_of(self.folder / "run")
        self.assertAlmostEqual(float(rows[0]["value_loss"]), seen[0]["value_loss"], places=3)

    def test_what_a_callback_raises_comes_through_once_the_files_are_written(self):
        def callback(figures):
            raise LookupError("enough")

        with self.refused(LookupError, "enough"):
            self.train(callback=callback, updates=50)
        summary = json.loads((self.folder / "run" / "summary.json").read_text())
        self.assertEqual((summary["ended_by"], summary["updates"]), ("callback", 1))
        self.assertTrue((self.folder / "run" / "final.safetensors").exists())

    def test_other_threads_run_meanwhile(self):
        counted, over = [0], threading.Event()

        def count():
            while not over.is_set():
                counted[0] += 1

        thread = threading.Thread(target=count)
        thread.start()
        seen = []
        try:
            # Without the lock's release between them, the counts would be those of the callbacks alone.
            self.train(updates=3, round_steps=2048, callback=lambda figures: seen.append(counted[0]))
        finally:
            over.set()
            thread.join()
        self.assertGreater(seen[2] - seen[1], 1000)

    def test_ctrl_c_ends_the_run_and_raises_once_the_files_are_written(self):
        process = python(f"""
            import genkidama
            try:
                genkidama.train("cart-pole", run_dir={str(self.folder / "run")!r}, workers=1, round_steps=64,
                                max_steps=10**12, callback=lambda figures: print(figures["update"], flush=True))
            except KeyboardInterrupt:
                print("interrupted")
            """)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(out.split()[-1:], ["interrupted"], err)
        self.assertEqual(process.returncode, 0)
        summary = json.loads((self.folder / "run" / "summary.json").read_text())
        self.assertEqual(summary["ended_by"], "signal")

    def test_bad_input_is_refused_before_anything_is_written(self):
        cases = ({"gama": 0.9}, ("gama", "gamma")), ({"gamma": 2}, ("gamma is '2'", "[0, 1]")), \
            ({"preset": "best"}, ("preset is 'best'", "tuned")), ({"exchange": "mpi"}, ("exchange",)), \
            ({"help": True}, ("help",))
        for options, words in cases:
            with self.subTest(options), self.refused(genkidama.ArgumentError, *words):
                self.train(**options)
        with self.refused(ValueError, "cart-pole"):
            self.train("card-pole", updates=1)
        with self.refused(TypeError, "lambda"):
            self.train(gymnasium_like.Corridor(), updates=1)
        with self.refused(TypeError, "callback"):
            self.train(callback=7, updates=1)
        self.assertFalse((self.folder / "run").exists())

    def test_a_run_goes_on(self):
        self.train(updates=2)
        run = genkidama.train("cart-pole", resume=self.folder / "run", updates=4)
        self.assertEqual(run["updates"], 4)
        self.assertEqual(len(metrics_of(self.folder / "run")), 4)

    def test_a_directory_in_use_is_refused(self):
        self.train(updates=1)
        with self.refused(genkidama.ArgumentError, "run_dir"):
            self.train(updates=1)


class PythonsEnvironments(support.TestInFolder):
    def train(self, make, **options):
        return genkidama.train(make, run_dir=self.folder / "run", **{**support.SHORT, "round_steps": 64, **options})

    def test_each_worker_plays_objects_of_its_own(self):
        run = self.train(gymnasium_like.Corridor, workers=2, envs_per_worker=2, updates=30)
        self.assertEqual((run["updates"], run["worker_restarts"]), (30, 0))
        rows = metrics_of(self.folder / "run")
        self.assertIn("metric_distance", rows[0])
        config = json.loads((self.folder / "run" / "config.json").read_text())
        self.assertEqual(config["task"], "python:gymnasium_like:Corridor")
        result = genkidama.evaluate(genkidama.load_policy(run["policy"]), gymnasium_like.Corridor, episodes=10)
        self.assertGreater(result["mean"], 10)

    def test_what_the_object_remembers_of_its_program_is_there(self):
        limit = 5

        class Short(gymnasium_like.Corridor):
            def step(self, action):
                *rest, info = super().step(action)
                rest[3] = info["distance"] >= limit
                return *rest, info

        run = self.train(lambda: Short(), updates=2)
        self.assertGreater(run["episodes"], 128 / limit / 4)

    def test_a_worker_that_dies_is_replaced(self):
        mark = str(self.folder / "mark")
        with support.quiet():
            run = self.train(lambda: gymnasium_like.Crashing(mark), updates=2)
        self.assertEqual((run["updates"], run["worker_restarts"]), (2, 1))

    def test_an_exception_ends_the_run_with_its_text(self):
        with support.quiet(), self.refused(genkidama.WorkerError, "Corridor", "ZeroDivisionError", "worker 1"):
            self.train(gymnasium_like.Failing, updates=2)

    def test_a_factory_that_fails_is_told(self):
        def broken():
            raise OSError("no such robot")

        with support.quiet(), self.refused(genkidama.Error, "OSError", "no such robot"):
            self.train(broken, updates=1)
        with self.refused(genkidama.ArgumentError, "no reset"):
            self.train(object, updates=1)
        with self.refused(genkidama.ArgumentError, "worker_mode", "threads"):
            self.train(gymnasium_like.Corridor, updates=1, worker_mode="threads")

    def test_other_threads_of_python_do_no_harm(self):
        # Each holds a lock most of the time, and NumPy brings threads of its own.
        process = python(f"""
            import logging, threading, numpy
            import genkidama, gymnasium_like
            numpy.dot(numpy.ones((300, 300)), numpy.ones((300, 300)))
            over, log = threading.Event(), logging.getLogger("busy")
            log.addHandler(logging.NullHandler())
            log.setLevel(logging.INFO)
            class Logging(gymnasium_like.Corridor):
                def step(self, action):
                    log.info("a step")
                    return super().step(action)
            def work():
                while not over.is_set():
                    log.info("busy")
            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads: thread.start()
            try:
                for i in range(5):
                    genkidama.train(Logging, run_dir={str(self.folder)!r} + f"/run{{i}}", workers=2, round_steps=32,
                                    updates=1, eval_episodes=0)
            finally:
                over.set()
            for thread in threads: thread.join()
            print("done")
            """)
        out, err = process.communicate(timeout=100)
        self.assertEqual((out, process.returncode), ("done\n", 0), err)

    def test_ctrl_c_ends_it_though_a_step_never_ends(self):
        process = python(f"""
            import os, time, genkidama, gymnasium_like
            class Stuck(gymnasium_like.Corridor):
                def step(self, action):
                    os.write(1, b"stuck\\n")
                    time.sleep(3600)
            try:
                genkidama.train(Stuck, run_dir={str(self.folder / "run")!r}, workers=1, updates=1)
            except KeyboardInterrupt:
                print("interrupted")
            """)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(out.split()[-1:], ["interrupted"], err)


if __name__ == "__main__":
    unittest.main()
