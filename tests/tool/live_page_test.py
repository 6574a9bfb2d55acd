"""Looks at the live pages of runs in a real browser, and asks them what they must not tell.

    live_page_test.py TOOL

Without Chromium the tests that need it are left out.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

TOOL = Path(sys.argv[1]).resolve()
del sys.argv[1:2]
LIMIT_S = 60 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))
WORDS = ("--workers", "1", "--eval-episodes", "0")
try:
    from browser import CHROMIUM, Browser
except ImportError:
    CHROMIUM = None
HACK = "<img src=x onerror=hacked=1>"
LIVE = "document.getElementById('state').dataset.state === 'live'"
STEPS = "connection.run && connection.run.steps"


class Programs(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.children = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process, log in self.children:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()

    def start(self, name, *words):
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen([str(TOOL), *map(str, words)], stdout=log, stderr=log, cwd=self.folder)
        self.children.append((process, log))
        return process

    def find(self, name, pattern):
        """What a program has logged, once it has."""
        deadline = time.monotonic() + LIMIT_S
        while not (found := re.search(pattern, (self.folder / f"{name}.log").read_text())):
            self.assertLess(time.monotonic(), deadline, (self.folder / f"{name}.log").read_text())
            time.sleep(0.05)
        return found.group(1)

    def page(self, name):
        return self.find(name, r"page: at (http://127\.0\.0\.1:\d+/)")


class Command(Programs):
    def test_bad_places_are_refused(self):
        for place, problem in (("x", "expected PORT"), ("0.0.0.0:0", "--token-file"), ("wss://127.0.0.1:0", "no TLS"),
                               ("127.0.0.1:70000", "expected PORT")):
            result = subprocess.run([str(TOOL), "train", "cart-pole", "--page", place, "--run-dir",
                                     str(self.folder / "bad")], capture_output=True, text=True, timeout=LIMIT_S)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("--page", result.stderr)
            self.assertIn(problem, result.stderr)
            self.assertFalse((self.folder / "bad").exists())

    def test_a_cluster_has_the_page_of_its_parent_alone(self):
        for words, problem in ((("--topology", "ring", "--page", "0"), "is for a cluster with a Parent"),
                               (("--page", "0.0.0.0:0", "--insecure"), "unknown argument '--insecure'"),
                               (("--page", "0.0.0.0:0"), "a cluster stays on this machine")):
            result = subprocess.run([str(TOOL), "cluster", "cart-pole", "--children", "3", *words, "--run-dir",
                                     str(self.folder / "bad")], capture_output=True, text=True, timeout=LIMIT_S)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(problem, result.stderr)

    def test_files_are_given_and_nothing_else(self):
        self.start("train", "train", "cart-pole", *WORDS, "--page", "0", "--run-dir", "train")
        url = self.page("train")
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
            self.assertIn(b"<!doctype html>", answer.read())
        for path, header, code in (("etc/passwd", {}, 404), ("live", {}, 426), ("", {"Host": "evil.example"}, 403),
                                   ("", {"Origin": "http://evil.example"}, 403)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(url + path, headers=header), timeout=LIMIT_S)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()


@unittest.skipUnless(CHROMIUM, "chromium or python3-websockets is missing; Debian has packages of these names")
class Seen(Programs, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # it would tell of whatever takes a tenth of a second
        self.browser = Browser(LIMIT_S)
        self.addAsyncCleanup(self.browser.close)
        await self.browser.open()
        await self.browser.look(1280, 900)

    async def test_a_run_is_seen_and_goes_on_after_a_restart(self):
        words = ("train", "lunar-lander", *WORDS, "--checkpoint-seconds", "1")
        process = self.start("first", *words, "--page", "0", "--run-dir", "run")
        url = self.page("first")
        browser = self.browser
        await browser.show(url)
        await browser.until(f"{LIVE} && curves.rows.length > 3")
        # Figures move.
        before = await browser.until(STEPS)
        await browser.until(f"{STEPS} > {before}")
        self.assertIn("LunarLander", await browser.evaluate("document.getElementById('title').textContent"))
        await browser.until("document.querySelectorAll('#charts .curve').length >= 4")
        # So does the agent.
        await browser.until("agent.picture && agent.picture.s.length > 3")
        drawn = await browser.evaluate("JSON.stringify(agent.picture)")
        await browser.until(f"JSON.stringify(agent.picture) !== {drawn!r}")
        self.assertGreater(await browser.evaluate("document.getElementById('stage').height"), 50)
        await browser.until("document.getElementById('log-lines').children.length > 0")
        self.assertEqual(browser.complaints(), [])
        for asked in browser.requests():
            self.assertTrue(asked.startswith((url, "data:,")), asked)

        await self.use_the_keyboard()
        await self.change_the_looks()

        # The program is killed, and goes on: the page does so by itself.
        self.find("first", r"(update \d+)")
        await browser.until("connection.run.updates > 20")
        deadline = time.monotonic() + LIMIT_S
        while not (self.folder / "run/state.safetensors").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        process.kill()
        process.wait()
        await browser.until("document.getElementById('state').textContent.startsWith('not connected')")
        self.start("second", "train", "lunar-lander", "--resume", "run", "--page", url.split(":")[2].strip("/"))
        await browser.until(f"{LIVE} && connection.run.resumed")
        before = await browser.until(STEPS)
        await browser.until(f"{STEPS} > {before}")
        # The curves begin where the first process did.
        await browser.until("curves.rows.length > 3 && curves.rows[0][0] < connection.run.steps / 2")

    async def use_the_keyboard(self):
        browser = self.browser
        await browser.press("Tab", 9)
        self.assertEqual(await browser.evaluate("document.activeElement.className"), "skip")
        for _ in range(2):
            await browser.press("Tab", 9)
        self.assertEqual(await browser.evaluate("document.activeElement.id"), "over-time")
        await browser.press("Enter", 13)
        self.assertEqual(await browser.evaluate("curves.over"), "time")
        self.assertEqual(await browser.evaluate("document.activeElement.getAttribute('aria-pressed')"), "true")

    async def change_the_looks(self):
        browser = self.browser
        colour = "getComputedStyle(document.body).backgroundColor"
        light = await browser.evaluate(colour)
        await browser.look(1280, 900, dark=True)
        self.assertNotEqual(await browser.evaluate(colour), light)
        await browser.look(340, 700)
        self.assertLessEqual(await browser.evaluate("document.documentElement.scrollWidth"), 340)

    async def test_what_peers_call_themselves_is_text(self):
        self.start("parent", "parent", "cart-pole", "--listen", "127.0.0.1:0", "--page", "0", "--eval-episodes", "0",
                   "--run-dir", "parent")
        port = self.find("parent", r"listens on port (\d+)")
        self.start("child", "child", "cart-pole", *WORDS, "--connect", f"127.0.0.1:{port}", "--name", HACK, "--page", "0",
                   "--run-dir", "child")
        browser = self.browser
        await browser.show(self.page("parent"))
        await browser.until(f"document.getElementById('machine-table').textContent.includes({HACK!r})")
        self.assertEqual(await browser.evaluate("document.images.length"), 0)
        self.assertEqual(await browser.evaluate("typeof hacked"), "undefined")
        self.assertIn("this Parent and 1 other", await browser.evaluate("document.getElementById('map').ariaLabel"))
        self.assertEqual(browser.complaints(), [])
        await browser.show(self.page("child"))
        await browser.until(f"{LIVE} && document.getElementById('machines-title').textContent.includes('Parent')")
        self.assertEqual(await browser.evaluate("document.images.length"), 0)

    async def test_the_token_is_asked_for_and_does_not_stay_in_the_address(self):
        token = "a-token-of-this-test"
        (self.folder / "token").write_text(token + "\n")
        (self.folder / "token").chmod(0o600)
        self.start("train", "train", "cart-pole", *WORDS, "--page", "0.0.0.0:0", "--token-file", "token", "--run-dir", "run")
        port = self.find("train", r"page: at http://0\.0\.0\.0:(\d+)/")
        url, browser = f"http://127.0.0.1:{port}/", self.browser
        await browser.show(url)
        await browser.until("!document.getElementById('token-form').hidden && document.activeElement.id === 'token'")
        submit = "document.getElementById('token').value = '{}'; document.querySelector('#token-form button').click(); 1"
        await browser.evaluate(submit.format("another-token"))
        await browser.until("document.getElementById('token-problem').textContent.includes('another token')")
        self.assertTrue(await browser.evaluate("document.getElementById('main').hidden"))
        await browser.evaluate(submit.format(token))
        await browser.until(LIVE)
        self.assertTrue(await browser.evaluate("document.getElementById('token-form').hidden"))
        await browser.evaluate("sessionStorage.clear()")
        await browser.show("about:blank")
        await browser.show(f"{url}#token={token}")
        await browser.until(LIVE)
        self.assertEqual(await browser.evaluate("location.href"), url)


if __name__ == "__main__":
    unittest.main(verbosity=2)
