#!/usr/bin/env python3
"""scripts/quickstart, with a build, a package installation and a program that are made up here."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

PROGRAM = '''#!/bin/sh
echo "$@" >> "$CALLS"
[ "$1" = evaluate ] && exit 0
command=$1 seed=7
while [ $# -gt 0 ]; do
  case $1 in
    --run-dir) run_dir=$2 ;;
    --eval-seed) seed=$2 ;;
  esac
  shift
done
mkdir -p "$run_dir"
printf '{\\n  "eval_episodes": 100,\\n  "eval_seed": %s,\\n  "seed": 1\\n}\\n' "$seed" > "$run_dir/config.json"
touch "$run_dir/final.safetensors"
case $run_dir in
  */alone_2) time=null ;;
  */alone_*) time=3.25 ;;
  *) time=1.5 ;;
esac
printf '{\\n  "time_to_target_seconds": %s,\\n  "wall_seconds": 9\\n}\\n' "$time" > "$run_dir/summary.json"
'''


class Quickstart(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.root = pathlib.Path(place.name)
        self.calls = self.root / "calls"
        (self.root / "scripts").mkdir()
        for name in ("quickstart", "common.sh"):
            shutil.copy(ROOT / "scripts" / name, self.root / "scripts" / name)
        self.executable(self.root / "scripts" / "install-deps", "#!/bin/sh\n")
        self.executable(self.root / "bin" / "cmake", "#!/bin/sh\n")
        self.executable(self.root / "build" / "release" / "examples" / "lunar_lander", PROGRAM)

    @staticmethod
    def executable(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def call(self, *flags):
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run([str(self.root / "scripts" / "quickstart"), *flags],
                              env={**os.environ, "PATH": path, "CALLS": str(self.calls)},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.output = done.stdout
        return [line.split() for line in self.calls.read_text().splitlines()]

    def evaluation_seed(self, *flags):
        training, evaluation = self.call(*flags)[:2]
        self.assertEqual((training[0], evaluation[0]), ("cluster", "evaluate"))
        return evaluation[evaluation.index("--seed") + 1]

    def test_the_episodes_of_the_evaluation_are_not_those_that_the_run_has_played(self):
        self.assertNotEqual(self.evaluation_seed(), "7")

    def test_nor_are_they_with_an_evaluation_seed_of_ones_own(self):
        taken = self.evaluation_seed()
        self.calls.unlink()
        self.assertNotEqual(self.evaluation_seed("--eval-seed", taken), taken)

    def test_two_children_are_shown_beside_one_machine_with_what_the_runs_have_counted(self):
        calls = self.call()[2:]
        self.assertEqual([call[0] for call in calls], ["train", "cluster"] * 3)
        for call in calls:
            self.assertEqual(call[call.index("--target") + 1], "200")
            steps = "3000000" if call[0] == "train" else "1500000"
            self.assertEqual(call[call.index("--schedule-steps") + 1], steps)
        self.assertEqual(len({call[call.index("--run-dir") + 1] for call in calls}), 6)
        self.assertIn("seed 1: one machine 3.25 s, two Children 1.5 s", self.output)
        self.assertIn("seed 2: one machine over 300000 steps, two Children 1.5 s", self.output)
        self.assertIn("In the mean of the seeds that came to it: 3.2 s and 1.5 s.", self.output)
        self.assertIn("docs/scaling.md", self.output)


if __name__ == "__main__":
    unittest.main()
