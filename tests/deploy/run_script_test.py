#!/usr/bin/env python3
"""deploy/genkidama-run: a new run, one that is gone on with, one that never had a state."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy" / "genkidama-run"


class RunScript(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.root = pathlib.Path(self.place.name)
        self.program = self.root / "program"
        self.program.write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\nexit 7\n')
        self.program.chmod(0o755)
        self.run_dir = self.root / "a run"

    def call(self, *words):
        done = subprocess.run([str(SCRIPT), *words], env={**os.environ, "GENKIDAMA_PROGRAM": str(self.program)},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def test_a_new_run_gets_its_directory_and_flags(self):
        code, words, _ = self.call("child", str(self.run_dir), "--name", "two words", "--tls")
        self.assertEqual(words, ["<child>", "<--run-dir>", f"<{self.run_dir}>", "<--name>", "<two words>", "<--tls>"])
        self.assertEqual(code, 7)

    def test_a_run_with_a_state_is_resumed(self):
        self.run_dir.mkdir()
        (self.run_dir / "state.safetensors").write_text("")
        _, words, _ = self.call("parent", str(self.run_dir), "--tls")
        self.assertEqual(words, ["<parent>", "<--resume>", f"<{self.run_dir}>", "<--tls>"])
        self.assertTrue((self.run_dir / "state.safetensors").exists())

    def test_a_run_without_a_state_is_moved_aside(self):
        self.run_dir.mkdir()
        (self.run_dir / "config.json").write_text("{}")
        _, words, _ = self.call("parent", str(self.run_dir))
        self.assertEqual(words, ["<parent>", "<--run-dir>", f"<{self.run_dir}>"])
        self.assertFalse(self.run_dir.exists())
        kept = [entry for entry in self.root.iterdir() if entry.name.startswith("a run.ended-")]
        self.assertEqual(len(kept), 1)
        self.assertTrue((kept[0] / "config.json").exists())

    def test_a_host_of_environments_keeps_nothing(self):
        code, words, _ = self.call("environment-host", "--connect", "server:7777", "--name", "two words")
        self.assertEqual(words, ["<environment-host>", "<--connect>", "<server:7777>", "<--name>", "<two words>"])
        self.assertEqual(code, 7)
        self.assertEqual([entry.name for entry in self.root.iterdir()], ["program"])

    def test_too_few_arguments(self):
        code, words, errors = self.call("parent")
        self.assertEqual((code, words), (2, []))
        self.assertIn("genkidama-run COMMAND DIRECTORY", errors)


if __name__ == "__main__":
    unittest.main()
