#!/usr/bin/env python3
"""scripts/cross_lib/compare.py: small recordings and runs in which one thing differs."""
import array
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "scripts" / "cross_lib" / "compare.py"
# Observation, reward, end: two episodes of two steps, and one step more.
STEPS = [[0.5, 1, 0], [0.25, 1, 1], [0.5, 1, 0], [0.75, 1, 2], [0.5, 1, 0]]
COLUMNS = "update,environment_steps,wall_seconds,return_mean,policy_loss"


def compare(*arguments):
    return subprocess.run([sys.executable, "-B", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True,
                          check=False)


def cells(output, row=-1):
    return [cell.strip() for cell in output.strip().splitlines()[row].split("|")[1:-1]]


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here, self.there = pathlib.Path(folder.name, "here"), pathlib.Path(folder.name, "there")
        self.here.mkdir()
        self.there.mkdir()


class Trajectories(Folders):
    def row(self, ours, theirs):
        for folder, steps in ((self.here, ours), (self.there, theirs)):
            (folder / "task.steps").write_bytes(b"1\n" + array.array("f", [x for step in steps for x in step]).tobytes())
        self.done = compare("trajectories", self.here, self.there)
        return cells(self.done.stdout) if self.done.returncode == 0 else None

    def changed(self, step, *values):
        return [values if i == step else row for i, row in enumerate(STEPS)]

    def test_equal_steps(self):
        self.assertEqual(self.row(STEPS, STEPS), ["`task`", "5", "none", "0", "never"])

    def test_the_first_difference_is_counted_in_all_and_in_its_episode(self):
        theirs = self.changed(3, 0.5, 1, 2)
        self.assertEqual(self.row(STEPS, theirs), ["`task`", "5", "4 (step 2 of episode 2)", "0.25", "never"])

    def test_a_reward_counts_and_so_does_the_sign_of_zero(self):
        self.assertEqual(self.row(STEPS, self.changed(2, 0.5, 2, 0))[2], "3 (step 1 of episode 2)")
        self.assertEqual(self.row(self.changed(0, 0.0, 1, 0), self.changed(0, -0.0, 1, 0))[2:4],
                         ["1 (step 1 of episode 1)", "0"])

    def test_other_episodes_are_not_compared(self):
        theirs = self.changed(1, 0.25, 1, 0)
        theirs[2] = [9, 1, 0]
        self.assertEqual(self.row(STEPS, theirs)[2:], ["2 (step 2 of episode 1)", "0", "at step 2"])

    def test_what_does_not_belong_together_is_an_error(self):
        self.assertIsNone(self.row(STEPS, STEPS[:-1]))
        self.assertEqual(self.done.returncode, 1)
        self.assertIn("different numbers of steps", self.done.stderr)
        (self.there / "task.steps").unlink()
        self.assertEqual(compare("trajectories", self.here, self.there).returncode, 1)


class Training(Folders):
    def write(self, folder, rows, weights, *earlier):
        run = folder / "task preset"
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        (run / "metrics.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
        for update, checkpoint in enumerate(earlier, 1):
            self.write_weights(run / "checkpoints" / f"update_{update:06}.safetensors", checkpoint)
        self.write_weights(run / "final.safetensors", weights)

    def write_weights(self, file, weights):
        content = array.array("f", weights).tobytes()
        header = json.dumps({"__metadata__": {"format": "pt"},
                             "w": {"dtype": "F32", "shape": [len(weights)], "data_offsets": [0, len(content)]}}).encode()
        file.write_bytes(struct.pack("<Q", len(header)) + header + content)

    def row(self, ours, theirs):
        self.write(self.here, *ours)
        self.write(self.there, *theirs)
        self.done = compare("training", self.here, self.there)
        return cells(self.done.stdout) if self.done.returncode == 0 else None

    def test_equal_runs_differ_in_time_only(self):
        self.assertEqual(self.row((["1,2000,0.5,7,0.1"], [3, 4]), (["1,2000,9.5,7,0.1"], [3, 4])),
                         ["task preset", "1, 2,000", "none", "none", "nothing", "0", "0", "7, 7"])

    def test_the_first_row_that_differs_and_the_weights(self):
        ours = (["1,2000,1,7,0.1", "2,4000,1,8,0.2", "3,6000,1,9,0.3"], [3, 4], [1, 0], [2, 2], [3, 4])
        theirs = (["1,2000,1,7,0.1", "2,4000,1,8,0.25", "3,6000,1,5,0.3"], [3, 4.5], [1, -0.0], [2, 3], [3, 4.5])
        self.assertEqual(self.row(ours, theirs),
                         ["task preset", "3, 6,000", "1 (2,000)", "2 (4,000)", "`policy_loss` 0.2, 0.25", "0.5", "0.1", "9, 5"])

    def test_a_run_that_has_more_rows_differs(self):
        ours = (["1,2000,1,7,0.1", "2,4000,1,8,0.2"], [1])
        self.assertEqual(self.row(ours, (["1,2000,1,7,0.1"], [1]))[3], "1 (2,000)")

    def test_another_network_or_another_table_is_an_error(self):
        self.assertIsNone(self.row((["1,2000,1,7,0.1"], [1]), (["1,2000,1,7,0.1"], [1, 2])))
        self.assertIn("different networks", self.done.stderr)
        self.assertIsNone(self.row((["1,2000,1,7,0.1"], [1]), ([], [1])))
        self.assertEqual(self.done.returncode, 1)


class Arguments(unittest.TestCase):
    def test_bad_arguments_end_with_2(self):
        for arguments in ([], ["weights", "a", "b"], ["training", "a"]):
            self.assertEqual(compare(*arguments).returncode, 2)

    def test_the_script_refuses_bad_arguments(self):
        script = ROOT / "scripts" / "compare-architectures"
        for arguments in ([], ["mips"], ["--steps", "0", "arm64"], ["--steps"], ["--keep", "/", "arm64"], ["arm64", "armhf"]):
            done = subprocess.run([script, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("compare-architectures: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
