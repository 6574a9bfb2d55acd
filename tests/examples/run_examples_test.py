"""Runs the examples that a user kills, resumes and talks to."""

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


if __name__ == "__main__":
    unittest.main()
