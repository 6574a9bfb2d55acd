"""Calls `compare` and `report` on the directories of runs, good, damaged and hostile, and reads what they write with
an XML parser.

    reading_test.py PROGRAM
"""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
del sys.argv[1]
LIMIT_S = 120 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))
HOSTILE = "</svg></td><script src=\"http://example.com/x.js\">alert(1)</script>&\u0001\ud7ff\uffff'\"<!--"


def call(*words, folder=None):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S,
                          cwd=folder)


def write_run(folder, rows=12, summary=None, **config):
    """A run's directory; each update has 10 steps, and returns grow with the seed."""
    folder.mkdir(parents=True)
    config = {"environment": "Chain", "command": "train", "preset": "tuned", "seed": 1, **config}
    (folder / "config.json").write_text(json.dumps(config))
    with open(folder / "metrics.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["update", "environment_steps", "wall_seconds", "steps_per_second", "episodes", "return_mean",
                        "entropy"])
        for update in range(1, rows + 1):
            table.writerow([update, 10 * update, update / 2, 20, 100 * update, update * config["seed"], 1 / update])
    if summary is not None:
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def texts_of(root):
    return " ".join(root.itertext())


class Reading(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = pathlib.Path(place.name)

    def check_self_contained(self, path):
        """Well-formed, without scripts, and nothing in it is loaded."""
        text = path.read_text(encoding="utf-8")
        root = xml.fromstring(text)
        for element in root.iter():
            self.assertNotIn(element.tag.split("}")[-1], {"script", "link", "img", "image", "iframe", "use", "object"})
            for name in element.attrib:
                self.assertFalse(name.startswith("on") or name.split("}")[-1] in {"href", "src"}, name)
        self.assertNotRegex(text, r"url\(|@import")
        self.assertIn("prefers-color-scheme:dark", text)
        return root

    def check_refused(self, words, expected):
        result = call(*words)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(expected, result.stderr)

    def test_runs_are_compared_in_a_table_and_a_picture(self):
        runs = [write_run(self.folder / f"{rate}_{seed}", learning_rate=rate, seed=seed,
                          summary={"ended_by": "updates", "wall_seconds": 6, "env_steps_per_second": 20,
                                   "final_evaluation": {"mean": 10 * seed, "threshold": 9}})
                for rate in (0.1, 0.2) for seed in (1, 2)]
        result = call("compare", *runs, "--out", self.folder / "curves.svg")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertRegex(lines[0], r"group +seeds +final return +95 % interval +steps to 9 +reached by +steps/s")
        self.assertRegex(lines[1], r"learning_rate=0.1 +2 +15.0 +10.0 to 20.0 +70 \(50 to 90\) +2 of 2 +20 +6s +-")
        self.assertEqual(len(lines), 4)
        root = self.check_self_contained(self.folder / "curves.svg")
        self.assertIn("learning_rate=0.2 (2 seeds)", texts_of(root))
        # The directories as a shell makes them, one of them with a name that is a command's.
        (self.folder / "0.1_1").rename(self.folder / "train")
        result = call("compare", "train/", "0.2_1", "--x", "seconds", "--column", "entropy", folder=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse((self.folder / "runs").exists())

    def test_text_from_files_is_no_markup(self):
        run = write_run(self.folder / "run <b> & \u00e9", preset=HOSTILE, environment=HOSTILE, note=HOSTILE,
                        **{HOSTILE: HOSTILE})
        other = write_run(self.folder / "other", environment=HOSTILE, preset="tuned")
        (run / "summary.json").write_text(json.dumps({
            "ended_by": HOSTILE, "error": HOSTILE, "children": {HOSTILE: {HOSTILE: HOSTILE}}, "machine": {"a": HOSTILE},
            "influence_suggestion": HOSTILE, "final_evaluation": {"mean": HOSTILE}, "wall_seconds": "long"}))
        table = (run / "metrics.csv").read_text()
        quoted = HOSTILE.replace('"', '""')
        (run / "metrics.csv").write_text(table.replace("entropy", f'"metric_{quoted}"', 1), encoding="utf-8")
        (run / "evaluations.csv").write_text(f'"{quoted}",update\n"{quoted}",2\n', encoding="utf-8")
        result = call("compare", run, other, "--out", self.folder / "curves.svg")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.check_self_contained(self.folder / "curves.svg")
        result = call("report", run, "--out", self.folder / "page.html")
        self.assertEqual(result.returncode, 0, result.stderr)
        root = self.check_self_contained(self.folder / "page.html")
        self.assertIn("alert(1)", texts_of(root))

    def test_a_report_is_one_page_in_the_runs_directory(self):
        run = write_run(self.folder / "run", summary={"ended_by": "updates", "updates": 12})
        result = call("report", run)
        self.assertEqual(result.returncode, 0, result.stderr)
        root = self.check_self_contained(run / "report.html")
        self.assertIn("Entropy of the policy", texts_of(root))
        self.assertEqual([name.name for name in run.glob(".genkidama-*")], [])

    def test_a_report_shows_a_recorded_episode(self):
        run = write_run(self.folder / "run")
        episode = self.folder / "landing.svg"
        episode.write_text("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>")
        self.assertEqual(call("report", run, "--episode", episode).returncode, 0)
        text = (run / "report.html").read_text()
        images = [each for each in xml.fromstring(text).iter() if each.tag.endswith("}img")]
        self.assertEqual(len(images), 1)
        self.assertRegex(images[0].get("src"), r"^data:image/svg\+xml;base64,[A-Za-z0-9+/]+=*$")
        self.assertNotIn("<script", text)
        self.check_refused(["report", run, "--episode", self.folder / "none.svg"], "--episode is ")

    def test_damaged_runs_are_compared_with_a_note(self):
        run = write_run(self.folder / "run")
        for name, content in (("metrics.csv", b"\0\xff,\n" * 100), ("config.json", b"{" * 10000),
                              ("summary.json", b"\xff"), ("evaluations.csv", b"update\n" * 3)):
            (run / name).write_bytes(content)
        for words in (("compare", run, "--out", self.folder / "a.svg"), ("report", run, "--out", self.folder / "a.html")):
            result = call(*words)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("config.json cannot be read as a JSON object", result.stdout)
            self.assertIn("metrics.csv is no table of a run", result.stdout)
        self.check_self_contained(self.folder / "a.svg")
        self.check_self_contained(self.folder / "a.html")

    def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(self):
        run = write_run(self.folder / "run")
        for name in ("metrics.csv", "summary.json", "evaluations.csv"):
            (run / name).unlink(missing_ok=True)
            os.mkfifo(run / name)
        for words in (("compare", run), ("report", run)):
            self.assertEqual(call(*words).returncode, 0)

    def test_mistakes_are_told_in_one_line(self):
        run = write_run(self.folder / "run")
        self.check_refused(["compare"], "RUN is missing")
        self.check_refused(["report"], "RUN is missing")
        self.check_refused(["report", run, run], "RUN is given 2 times")
        self.check_refused(["compare", self.folder / "none"], "there is no such directory")
        self.check_refused(["report", self.folder], "no run is in this directory")
        self.check_refused(["compare", run, "--x", "days"], "--x is 'days'")
        self.check_refused(["compare", run, "--column", "speed"], "--column is 'speed'")
        self.check_refused(["compare", run, "--group", "other*"], "--group is 'other*'")
        self.check_refused(["compare", run, "--out", self.folder], "a directory")
        self.check_refused(["compare", run, "--out", self.folder / "none" / "a.svg"], "in a directory that exists")
        self.check_refused(["compare", run, "--out", run / "metrics.csv"], "expected a name that ends in .svg")
        self.check_refused(["report", run, "--out", run / "config.json"], "expected a name that ends in .html")
        self.check_refused(["compare", run, "--column", "std"], "'steps_per_second'")
        self.check_refused(["compare", run, "--workers", "2"], "unknown argument '--workers'")

    def test_help_names_the_runs(self):
        text = call("compare", "--help").stdout
        self.assertRegex(text, re.compile(r"RUN\b.*Directory of a run", re.S))
        self.assertNotIn("Presets:", text)


if __name__ == "__main__":
    unittest.main()
