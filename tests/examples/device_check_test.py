#!/usr/bin/env python3
"""scripts/device-check where there is no GPU, and with arguments that it does not know."""
import os
import pathlib
import subprocess
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "device-check"


class DeviceCheck(unittest.TestCase):
    def call(self, *words, lister="/no/such/program"):
        done = subprocess.run([str(SCRIPT), *words], env={**os.environ, "GENKIDAMA_NVIDIA_SMI": lister},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_without_a_gpu_it_says_so_and_builds_nothing(self):
        # The second one answers, and lists nothing.
        for lister in ("/no/such/program", "/bin/true", "/bin/false"):
            code, output, errors = self.call(lister=lister)
            self.assertEqual((code, output), (77, ""))
            self.assertIn("no GPU is here", errors)
            self.assertIn("nothing was checked", errors)

    def test_an_unknown_device_is_refused(self):
        for word in ("gpu", "cpu", "cuda:x", "cuda:"):
            code, _, errors = self.call(word)
            self.assertEqual(code, 2)
            self.assertIn(f"unknown device '{word}'; expected cuda or cuda:N", errors)

    def test_help_says_what_it_does(self):
        code, output, _ = self.call("--help")
        self.assertEqual(code, 0)
        self.assertIn("scripts/device-check [cuda|cuda:N]", output)


if __name__ == "__main__":
    unittest.main()
