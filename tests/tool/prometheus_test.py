"""Scrapes the pages of runs, holds them against Prometheus' own checks, and the files of deploy/ against the pages.

    prometheus_test.py TOOL SOURCE_FOLDER
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

TOOL, SOURCE = (Path(word).resolve() for word in sys.argv[1:3])
del sys.argv[1:3]
LIMIT_S = 60 * float(os.environ.get("GENKIDAMA_TEST_PATIENCE", "1"))
PROMTOOL = shutil.which("promtool")
WITHOUT = "promtool is missing; Debian's package prometheus has it"
WORDS = ("--workers", "1", "--round-steps", "200", "--eval-episodes", "0")


def promtool(*words, **more):
    return subprocess.run([PROMTOOL, *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S, **more)


def figures_of(text):
    """{"name{labels}": value}"""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def names_in(expression):
    return set(re.findall(r"\bgenkidama_\w+", expression))


class Prometheus(unittest.TestCase):
    names = set()

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
        process = subprocess.Popen([str(TOOL), *map(str, words), "--run-dir", str(self.folder / name)], stdout=log,
                                   stderr=log, cwd=self.folder)
        self.children.append((process, log))

    def find(self, name, pattern):
        """What a program has logged, once it has."""
        return self.eventually(lambda: re.search(pattern, (self.folder / f"{name}.log").read_text()), name).group(1)

    def eventually(self, look, name):
        deadline = time.monotonic() + LIMIT_S
        while True:
            found = look()
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, (self.folder / f"{name}.log").read_text())
            time.sleep(0.05)

    def page(self, name):
        return self.find(name, r"at (http://127\.0\.0\.1:\d+/metrics)")

    def scrape(self, url, name, ready):
        """The page, once `ready` says so of its figures."""
        text = ""

        def look():
            nonlocal text
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
                text = answer.read().decode()
            return ready(figures_of(text))

        self.eventually(look, name)
        if PROMTOOL:
            checked = promtool("check", "metrics", input=text)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), text)
        figures = figures_of(text)
        Prometheus.names |= {re.match(r"\w+", figure).group(0) for figure in figures}
        return figures

    def test_a_run_alone_tells_what_metrics_csv_tells(self):
        self.start("train", "train", "cart-pole", *WORDS, "--metrics", "0", "--evaluate-every", "2", "--target-episodes",
                   "2")
        url = self.page("train")
        figures = self.scrape(url, "train", lambda now: now.get("genkidama_updates_total", 0) >= 3 and
                              "genkidama_evaluation_return" in now)
        row = (self.folder / "train/metrics.csv").read_text().splitlines()[int(figures["genkidama_updates_total"])]
        self.assertEqual(float(row.split(",")[1]), figures["genkidama_environment_steps_total"])
        self.assertEqual(float(row.split(",")[4]), figures["genkidama_episodes_total"])
        self.assertLess(abs(figures["genkidama_last_update_timestamp_seconds"] - time.time()), LIMIT_S)
        info = [figure for figure in figures if figure.startswith("genkidama_run_info")]
        self.assertIn('command="train",environment="CartPole-v1"', info[0])
        for path, header, code in (("/", {}, 404), ("/metrics", {"Host": "evil.example"}, 403),
                                   ("/metrics", {"Origin": "http://evil.example"}, 403)):
            request = urllib.request.Request(url.replace("/metrics", path), headers=header)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=LIMIT_S)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()

    def test_a_parent_and_its_child_tell_of_each_other(self):
        self.start("parent", "parent", "cart-pole", "--listen", "127.0.0.1:0", "--metrics", "0", "--eval-episodes", "0")
        port = self.find("parent", r"listens on port (\d+)")
        self.start("child", "child", "cart-pole", *WORDS[:4], "--connect", f"127.0.0.1:{port}", "--name", "pi \"7\"\\",
                   "--metrics", "0", "--eval-episodes", "0")
        peer = r'{peer="pi \"7\"\\"}'
        bytes_in = "genkidama_peer_received_bytes_total" + peer
        figures = self.scrape(self.page("parent"), "parent", lambda now: now.get(bytes_in, 0) > 0)
        self.assertEqual(figures['genkidama_connected_peers{kind="child"}'], 1)
        self.assertGreater(figures["genkidama_received_bytes_total"], 0)
        self.assertIn("genkidama_peer_staleness_updates" + peer, figures)
        self.assertEqual(figures['genkidama_refused_peers_total{reason="token"}'], 0)
        figures = self.scrape(self.page("child"), "child",
                              lambda now: now.get('genkidama_connected_peers{kind="parent"}', 0) == 1)
        self.assertGreater(figures["genkidama_sent_bytes_total"], 0)

    def test_bad_places_are_refused(self):
        for place, problem in (("x", "expected PORT"), ("0.0.0.0:0", "--token-file"), ("wss://127.0.0.1:0", "no TLS"),
                               ("127.0.0.1:70000", "expected PORT")):
            result = subprocess.run([str(TOOL), "train", "cart-pole", "--metrics", place, "--run-dir",
                                     str(self.folder / "bad")], capture_output=True, text=True, timeout=LIMIT_S)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(problem, result.stderr)
            self.assertFalse((self.folder / "bad").exists())

    def test_zz_the_files_of_deploy_ask_for_what_the_pages_have(self):
        alerts = (SOURCE / "deploy/prometheus-alerts.yml").read_text()
        dashboard = json.loads((SOURCE / "deploy/grafana-dashboard.json").read_text())
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertTrue(expressions)
        asked = names_in(alerts + " ".join(expressions))
        # The tests above have run before, in the order of their names.
        self.assertEqual(asked - Prometheus.names, set())
        if not PROMTOOL:
            self.skipTest(WITHOUT)
        checked = promtool("check", "rules", SOURCE / "deploy/prometheus-alerts.yml")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        rules = [{"record": f"panel:{i}", "expr": each.replace("$instance", ".*")} for i, each in enumerate(expressions)]
        file = self.folder / "rules.yml"
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        checked = promtool("check", "rules", file)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    if not PROMTOOL:
        print(f"without Prometheus' own checks: {WITHOUT}")
    unittest.main()
