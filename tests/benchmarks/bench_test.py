#!/usr/bin/env python3
"""scripts/bench and the Python benchmarks: what they compute from what was measured."""

import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from bench_lib import arithmetic, figures, machine, micro, processes, training  # noqa: E402


def script(name):
    """A program without .py as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "benchmarks" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Arithmetic(unittest.TestCase):
    def test_median_and_percentile(self):
        self.assertEqual(arithmetic.median([3, 1, 2]), 2)
        self.assertEqual(arithmetic.median([4, 1, 2, 3]), 2.5)
        hundred = list(range(100, 0, -1))
        self.assertEqual([arithmetic.percentile(hundred, share) for share in (0, 0.5, 0.99, 1)], [1, 50, 99, 100])
        self.assertEqual(arithmetic.percentile([7], 0.99), 7)

    def test_slope(self):
        self.assertAlmostEqual(arithmetic.slope([(x, 3 - 2 * x) for x in range(5)]), -2)
        self.assertAlmostEqual(arithmetic.slope([(0, 1), (1, 0), (2, 5)]), 2)
        self.assertEqual(arithmetic.slope([(1, 5)]), 0)

    def test_spread(self):
        self.assertAlmostEqual(arithmetic.spread([9, 10, 12]), 0.3)
        self.assertEqual(arithmetic.spread([0, 0]), 0)

    def test_rounding_keeps_what_is_no_fraction(self):
        given = {"a": [1.23456789, 123456789], "b": ("x", None, True), "c": float("nan")}
        self.assertEqual(arithmetic.rounded(given), {"a": [1.2346, 123456789], "b": ["x", None, True], "c": None})


class GoogleBenchmark(unittest.TestCase):
    def row(self, **changes):
        return {"name": "x/3/real_time", "run_type": "iteration", "real_time": 2.0, "cpu_time": 1.0, "time_unit": "us",
                "iterations": 5, "items_per_second": 7.0, **changes}

    def test_names_lose_only_what_google_benchmark_appends(self):
        self.assertEqual(micro.short_name("exchange/2949/exchanges:2000/iterations:1/manual_time"), "exchange/2949")
        self.assertEqual(micro.short_name("action/thesis/greedy"), "action/thesis/greedy")
        self.assertEqual(micro.short_name("a/real_time/random"), "a/random")
        self.assertEqual(micro.short_name("a/real_timer"), "a/real_timer")

    def test_medians_over_the_repetitions(self):
        rows = [self.row(real_time=time, items_per_second=1 / time) for time in (2.0, 4.0, 1.0)]
        aggregate = self.row(run_type="aggregate", real_time=100.0)
        self.assertEqual(micro.summarise({"benchmarks": [*rows, aggregate]}),
                         {"x/3": {"ns": 2000, "spread": 1.5, "repetitions": 3, "items_per_second": 0.5}})

    def test_processor_time_counts_unless_wall_time_was_asked_for(self):
        self.assertEqual(micro.summarise({"benchmarks": [self.row(name="x")]})["x"]["ns"], 1000)
        self.assertEqual(micro.summarise({"benchmarks": [self.row(name="x/manual_time")]})["x"]["ns"], 2000)

    def test_a_benchmark_that_failed_is_an_error(self):
        failed = {"name": "x", "run_type": "iteration", "error_occurred": True, "error_message": "no peer"}
        with self.assertRaisesRegex(micro.BenchmarkFailed, "x: no peer"):
            micro.summarise({"benchmarks": [failed]})


class Rates(unittest.TestCase):
    def test_the_warm_up_does_not_count(self):
        # 50 steps in the first second, then 100 in each.
        rows = [(0, 0.0), (50, 1.0), (150, 2.0), (250, 3.0), (500, 5.5)]
        self.assertAlmostEqual(training.rate_of(rows), 100)

    def test_too_few_rows_are_an_error(self):
        for rows in ([], [(1, 1.0), (2, 2.0)], [(0, 1.0), (1, 1.0), (2, 1.0)]):
            with self.assertRaisesRegex(training.TrainingFailed, "take more steps"):
                training.rate_of(rows)

    def test_only_rows_of_this_run_count_when_it_went_on_with_another(self):
        with tempfile.TemporaryDirectory() as place:
            metrics = pathlib.Path(place) / "metrics.csv"
            lines = ["100,9.0", "200,10.0", "300,50.0", "400,51.0", "500,52.0"]
            metrics.write_text("environment_steps,wall_seconds\n" + "\n".join(lines) + "\n")
            self.assertAlmostEqual(training.steps_per_second(metrics, 200), 100)


class TrainThroughput(unittest.TestCase):
    stages = {"environment_us": 6.0, "action_us": 1.0, "gradient_us": 1.5, "optimizer_us": 0.5,
              "environment_steps_per_second": 1e6 / 6}

    def test_stages_and_rest_add_up_to_a_step(self):
        result = script("train_throughput").with_totals(self.stages, 100_000)
        self.assertAlmostEqual(result["total_us"], 10)
        self.assertAlmostEqual(result["rest_us"], 1)
        self.assertAlmostEqual(result["updates_per_environment"], 2 / 6)
        self.assertAlmostEqual(result["updates_and_rest_per_environment"], 3 / 6)

    def test_ratios_are_of_one_repetition(self):
        program = script("train_throughput")
        repetitions = [program.compare(one, two, self.stages) for one, two in ((1e5, 1.9e5), (0.5e5, 1e5), (1e5, 1e5))]
        result = program.medians(repetitions)
        self.assertAlmostEqual(result["two_workers_over_one"], 1.9)
        self.assertAlmostEqual(result["train_per_environment_only"], 0.6)
        self.assertAlmostEqual(result["stages"]["total_us"], 10)


class Growth(unittest.TestCase):
    def rows(self, rate=lambda i: 100.0, memory=lambda i: 2048):
        return [{"seconds": 36.0 * (i + 1), "environment_steps": 1000 * i, "steps_per_second": rate(i) if i else None,
                 "cpu_us_per_step": 5 + i if i else None,
                 "rss_kb": 4096, "pss_kb": memory(i), "threads": 5, "descriptors": 7 + i // 10, "run_dir_kb": 1024}
                for i in range(20)]

    def test_a_steady_run_has_no_slopes(self):
        result = script("growth").summary_of(self.rows())
        self.assertAlmostEqual(result["steps_per_second_slope_percent_per_hour"], 0)
        self.assertAlmostEqual(result["pss_mb_per_hour"], 0)
        self.assertAlmostEqual(result["cpu_us_per_step_slope_percent_per_hour"], 10000 / result["cpu_us_per_step"])
        self.assertEqual((result["environment_steps"], result["threads_growth"], result["descriptors_growth"]), (19000, 0, 1))

    def test_slopes_are_by_the_hour_and_of_the_second_half(self):
        # A sample each hundredth of an hour.
        result = script("growth").summary_of(self.rows(rate=lambda i: 100 - i if i >= 9 else 1,
                                                       memory=lambda i: 1024 * i if i >= 9 else 0))
        self.assertAlmostEqual(result["pss_mb_per_hour"], 100)
        self.assertAlmostEqual(result["steps_per_second_slope_percent_per_hour"], -10000 / result["steps_per_second"])

    def test_steps_are_read_from_the_last_whole_line(self):
        steps = script("growth").steps_so_far
        with tempfile.TemporaryDirectory() as place:
            metrics = pathlib.Path(place) / "metrics.csv"
            self.assertEqual(steps(metrics), 0)
            metrics.write_text("update,environment_steps\n")
            self.assertEqual(steps(metrics), 0)
            metrics.write_text("update,environment_steps\n" + "".join(f"{i},{10 * i},x\n" for i in range(5000)) + "5000,5")
            self.assertEqual(steps(metrics), 49990)


class Processes(unittest.TestCase):
    def test_a_tree_holds_its_children_and_what_they_use(self):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        try:
            tree = processes.tree_of(os.getpid())
            self.assertEqual(tree[0], os.getpid())
            self.assertIn(child.pid, tree)
            usage = processes.usage_of(os.getpid())
            self.assertGreater(usage["rss_kb"], usage["pss_kb"] // 2)
            self.assertGreaterEqual(usage["descriptors"], 3)
            self.assertGreaterEqual(usage["threads"], 1)
        finally:
            child.communicate()
        self.assertNotIn(child.pid, processes.tree_of(os.getpid()))
        self.assertIsNone(processes.usage_of(child.pid))

    def test_the_machine_is_described_without_its_name(self):
        facts = machine.facts()
        self.assertGreaterEqual(facts["cores"], 1)
        self.assertEqual(len(facts["load_average_at_start"]), 3)
        self.assertNotIn("host", " ".join(facts))


class Table(unittest.TestCase):
    def figure(self, results, name):
        return next(figure for figure in figures.collect(results) if name in figure.name)

    def test_a_target_is_met_at_its_limit(self):
        self.assertTrue(figures.Figure("x", 1.0, "", figures.AT_MOST, 1.0).met)
        self.assertTrue(figures.Figure("x", 1.0, "", figures.AT_LEAST, 1.0).met)
        self.assertFalse(figures.Figure("x", 1.1, "", figures.AT_MOST, 1.0).met)
        self.assertFalse(figures.Figure("x", 0.9, "", figures.AT_LEAST, 1.0).met)
        self.assertIsNone(figures.Figure("x", 1.0).met)

    def test_what_was_not_measured_is_left_out(self):
        self.assertEqual(figures.collect({}), [])
        found = figures.collect({"micro": {"action/thesis/greedy": {"ns": 500.0}}})
        self.assertEqual([(figure.name, figure.value, figure.met) for figure in found],
                         [("one action, thesis network, greedy", 0.5, True)])

    def test_figures_recorded_elsewhere_say_so(self):
        results = {"micro": {"lunar_lander/play/random": {"items_per_second": 117_000.0}}}
        figure = self.figure(results, "over gym in Python")
        self.assertAlmostEqual(figure.value, 10)
        self.assertIn("recorded elsewhere", figure.name)

    def test_a_thousand_children(self):
        results = {"many_children": [{"connections": count, "expected": 100, "done": 100 - lost, "p99_ms": 51.0,
                                      "parent_cores": 0.5, "bytes_per_child": 90_000} for count, lost in ((100, 1), (1000, 2))]}
        found = figures.collect(results)
        missed = [figure.name.strip() for figure in found if figure.met is False]
        self.assertEqual(missed, ["1,000 Children, an exchange a second: p99", "exchanges done / due",
                                  "the Parent's memory per Child"])

    def test_the_table_names_every_figure_once_in_a_line(self):
        text = figures.table([figures.Figure("speed", 123456.7, "steps/s", figures.AT_LEAST, 80_000),
                              figures.Figure("size", 0.51234, "MB", figures.AT_MOST, 0.5), figures.Figure("count", 3)])
        lines = text.splitlines()
        self.assertRegex(lines[2], r"^speed +123,457 steps/s +>= 80,000 +met$")
        self.assertRegex(lines[3], r"^size +0.5123 MB +<= 0.5 +MISSED$")
        self.assertRegex(lines[4], r"^count +3$")


if __name__ == "__main__":
    unittest.main()
