#!/usr/bin/env python3
"""scripts/results: its statistics, and small trees in which one thing is wrong."""

import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import sample
from results_lib import data, document, estimates, plots, tables

SCRIPT = sample.ROOT / "scripts" / "results"
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None


def run(root, *arguments, python_flags=()):
    return subprocess.run([sys.executable, "-B", *python_flags, SCRIPT, "--root", root, *arguments],
                          capture_output=True, text=True, check=False)


class Estimates(unittest.TestCase):
    def test_wilson_interval(self):
        # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I.
        for successes, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                                            (1, 29, 0.0061, 0.1718)):
            bounds = estimates.wilson_interval(successes, count)
            self.assertAlmostEqual(bounds[0], low, 4)
            self.assertAlmostEqual(bounds[1], high, 4)
        self.assertAlmostEqual(estimates.wilson_interval(10, 10)[1], 1)
        for successes, count in ((0, 0), (4, 3), (-1, 3)):
            with self.assertRaises(ValueError):
                estimates.wilson_interval(successes, count)

    def test_t_interval(self):
        # mean 2, standard deviation 1: 2 -+ 4.303 / sqrt(3)
        low, high = estimates.t_interval([1, 2, 3])
        self.assertAlmostEqual(low, -0.4843, 3)
        self.assertAlmostEqual(high, 4.4843, 3)
        # R: t.test(1:10)$conf.int
        low, high = estimates.t_interval(list(range(1, 11)))
        self.assertAlmostEqual(low, 3.3341, 2)
        self.assertAlmostEqual(high, 7.6659, 2)
        self.assertIsNone(estimates.t_interval([1]))
        # 35 degrees of freedom are not in the table; those of 30 are wider.
        values = [0, 1] * 18
        half = 2.042 * estimates.standard_deviation(values) / 6
        self.assertAlmostEqual(estimates.t_interval(values)[1], 0.5 + half)

    def test_ratio_interval(self):
        # Nothing varies.
        self.assertEqual(estimates.ratio_interval([6] * 5, [2] * 5), (3, 3))
        # The medians of draws of five from five lie between the least and the most, and rarely at either.
        low, high = estimates.ratio_interval([1, 2, 3, 4, 5], [1] * 5)
        self.assertEqual((low, high), (1, 5))
        low, high = estimates.ratio_interval(list(range(1, 102)), [1] * 101)
        self.assertTrue(35 < low < 45 and 57 < high < 67, (low, high))
        # Runs that did not arrive leave an end open.
        low, high = estimates.ratio_interval([10, 10, 10, None, None], [5] * 5)
        self.assertEqual((low, high), (2, None))
        self.assertEqual(estimates.ratio_interval([10] * 5, [5, 5, 5, None, None]), (0, 2))

    def test_quantiles(self):
        self.assertEqual(estimates.median([3, 1, 2]), 2)
        self.assertEqual(estimates.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(estimates.quantile([1, 2, 3, 4], 0.25), 1.75)
        self.assertEqual(estimates.quantile([5], 0.9), 5)

    def test_a_median_with_runs_that_have_not_arrived(self):
        self.assertEqual(estimates.median_of_all([3, None, 1]), 3)
        self.assertEqual(estimates.median_of_all([3, 1]), 2)
        self.assertIsNone(estimates.median_of_all([3, None]))
        self.assertIsNone(estimates.median_of_all([None]))
        self.assertIsNone(estimates.median_of_all([]))

    def test_interpolation_stays_within_the_points(self):
        points = [(1, 10), (3, 30)]
        self.assertEqual([estimates.interpolate(points, x) for x in (0, 1, 2, 3, 4)], [None, 10, 20, 30, None])

    def test_a_density_has_area_one_and_its_peak_at_the_values(self):
        grid = [x / 4 for x in range(-400, 401)]
        for values in ([1, 2, 3, 4, 5, 6, 50], [7] * 20, [0, 1]):
            heights = estimates.density(values, grid)
            self.assertAlmostEqual(sum(heights) / 4, 1, 2)
        self.assertEqual(max(zip(estimates.density([7] * 20, grid), grid))[1], 7)


class ThesisNumbers(unittest.TestCase):
    def setUp(self):
        self.data = data.Data(sample.ROOT)

    def test_every_table_is_whole(self):
        self.assertEqual([len(self.data.thesis(table)) for table in ("5.2", "5.3", "5.4", "5.5", "5.6")],
                         [6, 60, 60, 60, 3])
        paths = self.data.thesis_paths()
        self.assertEqual(len(paths), 9)
        for setting, path in paths.items():
            self.assertEqual(list(path), list(range(100, 2001, 100)), setting)

    def test_numbers_at_the_corners(self):
        rows = {(row.setting, row.update): (row.mean, row.std)
                for table in ("5.2", "5.3", "5.4", "5.5") for row in self.data.thesis(table)}
        self.assertEqual(rows["workers=8,gamma=0.95,batch-size=120", 0], (-51.3, 21.3))
        self.assertEqual(rows["alpha=0.1,beta=0.9", 100], (-148.5, 78.2))
        self.assertEqual(rows["alpha=0.5,beta=0", 2000], (102.4, 124.1))
        self.assertEqual(rows["alpha=0.9,beta=0", 1300], (32.8, 54.7))
        self.assertEqual(rows["alpha=0.9,beta=0.9", 2000], (231.8, 78.9))

    def test_table_5_6_repeats_the_tables_before_it(self):
        earlier = {row.setting: (row.mean, row.std) for row in self.data.thesis("5.2") + self.data.thesis("5.5")
                   if row.update in (0, 2000)}
        for row in self.data.thesis("5.6"):
            self.assertEqual((row.mean, row.std), earlier[row.setting], row.row)


class PublishedNumbers(unittest.TestCase):
    def test_rows_of_one_task(self):
        published = data.Data(sample.ROOT).published("LunarLander-v2")
        self.assertEqual({row["algorithm"]: (row["environment_steps"], row["mean"]) for row in published},
                         {"A2C": (200_000, 155.8), "PPO": (1_000_000, 242.1), "DQN": (100_000, 154.4),
                          "QR-DQN": (100_000, 70.2)})
        with self.assertRaisesRegex(data.ResultsError, "published.csv: no rows of the task Pong"):
            data.Data(sample.ROOT).published("Pong")


class Tree(unittest.TestCase):
    """A tree with every block, its tables written; plots are not in it."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.template = pathlib.Path(directory.name) / "tree"
        sample.make_tree(cls.template)
        outcome = run(cls.template, "--tables")
        if outcome.returncode != 0:
            raise AssertionError(outcome.stdout + outcome.stderr)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name) / "tree"
        self.results = self.root / "docs" / "results"
        self.document = self.root / "docs" / "results.md"
        shutil.copytree(self.template, self.root)

    def change(self, path, old, new):
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))

    def change_cell(self, sweep, line, column, value):
        """In line `line` of results.csv, counted from 1."""
        path = self.results / sweep / "results.csv"
        lines = path.read_text().splitlines()
        place = len(data.COLUMNS) - data.COLUMNS.index(column)
        cells = lines[line - 1].rsplit(",", place)
        rest = cells[1:]
        rest[0] = str(value)
        lines[line - 1] = ",".join([cells[0], *rest])
        path.write_text("\n".join(lines) + "\n")

    def assert_complaint(self, *texts, arguments=("--check",)):
        outcome = run(self.root, *arguments)
        self.assertEqual(outcome.returncode, 1, outcome.stdout + outcome.stderr)
        for text in texts:
            self.assertIn(text, outcome.stdout + outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)
        return outcome


class Tables(Tree):
    def block(self, name):
        return next(part.text for part in document.blocks_of(document.split(self.document.read_text(), "results.md"))
                    if part.name == name)

    def test_what_was_written_passes_and_is_written_once(self):
        before = self.document.read_bytes()
        outcome = run(self.root, "--check")
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        self.assertIn(f"{len(tables.BLOCKS)} blocks, 0 plots", outcome.stdout)
        self.assertIn("0 changed", run(self.root, "--tables").stdout)
        self.assertEqual(self.document.read_bytes(), before)

    def test_the_performance_table_says_what_was_met_and_what_was_missed(self):
        text = self.block("performance")
        self.assertIn("| one action | 0.4123 us | at most 1 | met |", text)
        self.assertIn("| &nbsp;&nbsp;LibTorch | 12,346 us |  |  |", text)
        self.assertIn("| exchange | 0.5 GB/s | at least 1 | **missed** |", text)
        table = self.results / "performance" / "table.json"
        for text in ("{}", "[]", '{"figures": [{"name": "x"}], "machine": {}}', "no json"):
            table.write_text(text)
            self.assert_complaint("performance/table.json: not as scripts/bench writes it")
        table.unlink()
        self.assert_complaint("performance/table.json is missing")

    def test_blocks_of_other_pages_are_written_and_checked_too(self):
        for name in ("docs/performance.md", "docs/results/performance.md"):
            with self.subTest(page=name):
                page = self.root / name
                page.write_text("# Performance\n\n<!-- generated: performance -->\n<!-- end: performance -->\n")
                self.assert_complaint(f"{name}:3: block 'performance' is not what the data give")
                self.assertIn(f"1 block in {name}, 1 changed", run(self.root, "--tables").stdout)
                self.assertIn("at most 1 | met |", page.read_text())
                self.assertEqual(run(self.root, "--check").returncode, 0)

    def test_check_changes_nothing(self):
        self.change_cell("children", 2, "mean", "100.0")
        before = self.document.read_bytes()
        run(self.root, "--check")
        self.assertEqual(self.document.read_bytes(), before)

    def test_prose_stays_as_it_is(self):
        self.assertIn("# Results\n\nProse about table_5_2.\n\n<!-- generated: table_5_2 -->\n\n| setting |",
                      self.document.read_text())

    def test_a_document_without_blocks_says_so(self):
        self.document.write_text("# Results\n")
        outcome = run(self.root, "--check")
        self.assertEqual(outcome.returncode, 0)
        self.assertIn("0 blocks", outcome.stdout)

    def test_table_5_2_shows_the_seeds_and_their_intervals(self):
        finals = data.Data(self.root).sweep("table_5_2").finals("workers=4,gamma=0.999,batch-size=120")
        means = [policy["mean"] for policy in finals]
        low, high = estimates.t_interval(means)
        line = next(line for line in self.block("table_5_2").splitlines() if line.startswith("| 4 cores"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        self.assertEqual(cells[0], "4 cores, gamma .999, batch 120")
        self.assertEqual(cells[1], "230.0 (87.1)")
        self.assertEqual(cells[2], ", ".join(f"{mean:.1f}" for mean in means))
        self.assertEqual(cells[3], f"{sum(means) / 3:.1f} [{low:.1f}, {high:.1f}]")
        self.assertEqual(cells[5], "1/3 [6 %, 79 %]")
        self.assertEqual(cells[6], "yes")

    def test_the_plateau_counts_its_seeds(self):
        self.assertIn("**3 of 10 seeds**", self.block("plateau"))
        self.assertIn("30.0 %, 95 % Wilson interval 10.8 % to 60.3 %", self.block("plateau"))

    def test_the_range_of_the_seeds_decides_on_inside(self):
        policies = [{"mean": 10.0}, {"mean": 20.0}]
        self.assertEqual([tables.inside(mean, policies) for mean in (9.9, 10.0, 15, 20.0, 20.1)],
                         ["no", "yes", "yes", "yes", "no"])

    def test_learning_paths_show_the_median_between_min_and_max(self):
        means = sorted(policy["mean"] for policy in
                       data.Data(self.root).sweep("tables_5_3_to_5_5").at_update("alpha=0.5,beta=0.9", 1000))
        self.assertIn(f" {means[1]:.1f} [{means[0]:.1f}, {means[2]:.1f}] |", self.block("learning_paths"))

    def test_a_run_that_solves_nothing_counts_as_longer_than_all_that_do(self):
        lines = self.block("concurrent_lunar_lander").splitlines()
        mutex = next(line for line in lines if line.startswith("| dqn | 2 | mutex"))
        cells = [cell.strip() for cell in mutex.strip("|").split("|")]
        self.assertEqual(cells[3:7], ["global", "2 of 3", "303", "83,000 (82,000 to none)"])
        self.assertEqual(cells[-2:], ["232.0", "231.0"])

    def test_unequal_children_are_grouped_by_speed(self):
        self.assertIn("| 0.5 | 0.5 | 1/4 | 260.0, 250.0 | 255.0 | 20.0 % | 4.0 | 25 s |",
                      re.sub(" +", " ", self.block("unequal_children")))

    def test_time_to_200_counts_only_what_reached_it(self):
        self.assertIn("`cluster`: 0 of 1 runs reached a mean of 200.", self.block("time_to_200"))
        self.assertIn("2 of 2 runs reached a mean of 200; of all: median **25.9 s**", self.block("time_to_200"))

    def test_tasks_show_every_seed_and_count_those_that_learnt(self):
        row = re.sub(" +", " ", self.block("tasks"))
        self.assertIn("| `pendulum` | **-152.5** | -250 | -150, -152.5, -250 | 90.0 | 101k | 3 s (2 s) | 2/3, after 33.9k "
                      "and 1.5 s | -163.0 (A2C, 1M) | -151.9 (TD3, 20k) |", row)
        self.assertIn("| `pendulum` | -200 | `--preset control` |", self.block("task_settings"))

    def test_a_task_whose_seeds_differ_in_their_options_is_refused(self):
        tasks = self.results / "tasks.csv"
        tasks.write_text(tasks.read_text().replace("--preset control,-200,2", "--preset tuned,-200,2"))
        outcome = run(self.root, "--check")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("tasks.csv:3: the options differ from those of the task's other seeds", outcome.stdout + outcome.stderr)

    def test_settings_are_sorted_by_their_mean(self):
        lines = self.block("workers_or_children").strip().splitlines()[2:6]
        self.assertEqual([line.split("|")[1].strip() for line in lines], ["1", "2", "4", "8"])

    def test_a_setting_that_was_not_run_is_shown(self):
        path = self.results / "table_5_2" / "results.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "gamma=0.95" not in line))
        (self.results / "table_5_2" / "final_returns.csv").unlink()
        self.assertEqual(run(self.root, "--tables").returncode, 0)
        self.assertIn("| 8 cores, gamma .95, batch 120 | -51.3 (21.3) | not run |", self.block("table_5_2"))

    def test_settings_are_the_same_however_their_numbers_are_written(self):
        self.assertEqual(data.same_setting("alpha=0.50,beta=0.0"), data.same_setting("beta=0,alpha=.5"))
        self.assertNotEqual(data.same_setting("alpha=0.5,beta=0.1"), data.same_setting("alpha=0.1,beta=0.5"))


class Complaints(Tree):
    def test_a_changed_number_is_found_in_its_block_only(self):
        self.change_cell("children", 2, "std", "77.77")  # children=2, alpha 0.1, beta 0, seed 1
        self.change_cell("children", 3, "std", "88.88")
        self.change_cell("children", 4, "std", "99.99")
        outcome = self.assert_complaint("block 'children' is not what the data give", "as the data give it", "88.9")
        self.assertEqual(outcome.stdout.count("is not what the data give"), 1)

    def test_a_number_changed_in_the_document_is_found(self):
        self.change(self.document, "**3 of 10 seeds**", "**4 of 10 seeds**")
        self.assert_complaint("block 'plateau'", "  -**4 of 10", "  +**3 of 10")

    def test_a_missing_file_is_named_with_the_block_that_needs_it(self):
        (self.results / "tuned_cart_pole" / "results.csv").unlink()
        texts = ("block 'tuned_cart_pole'", "docs/results/tuned_cart_pole/results.csv is missing")
        self.assert_complaint(*texts)
        self.assert_complaint(*texts, arguments=("--tables",))

    def test_a_missing_file_that_no_block_needs_is_fine(self):
        (self.results / "tuned_cart_pole" / "results.csv").unlink()
        text = self.document.read_text()
        begin, end = text.index("<!-- generated: tuned_cart_pole"), text.index("<!-- end: tuned_cart_pole -->")
        self.document.write_text(text[:begin] + text[end + len("<!-- end: tuned_cart_pole -->"):])
        self.assertEqual(run(self.root, "--check").returncode, 0)

    def test_bad_cells_are_named_with_file_and_line(self):
        for column, value, reason in (("mean", "fast", "mean is 'fast'; expected a number"),
                                      ("mean", "nan", "mean is 'nan'; expected a number"),
                                      ("seed", "-1", "seed is '-1'; expected a whole number"),
                                      ("final", "yes", "final is 'yes'; expected 0 or 1"),
                                      ("threshold_share", "95", "threshold_share is 95; expected a share"),
                                      ("median", "9999", "median is 9999 and q75"),
                                      ("greedy", "1", "greedy differs from the rows above")):
            with self.subTest(column=column, value=value):
                before = (self.results / "children" / "results.csv").read_text()
                self.change_cell("children", 5, column, value)
                self.assert_complaint("docs/results/children/results.csv:5: ", reason)
                (self.results / "children" / "results.csv").write_text(before)

    def test_rows_that_do_not_fit_are_named(self):
        path = self.results / "children" / "results.csv"
        before = path.read_text()
        lines = before.splitlines()
        for changed, reason in (([*lines[:3], lines[3] + ",1", *lines[4:]],
                                 "results.csv:4: 26 columns; the header has 25"),
                                ([*lines, lines[1]], f"results.csv:{len(lines) + 1}: a second row for children=2"),
                                ([lines[0].replace("std", "sd"), *lines[1:]], "results.csv:1: the header is"),
                                (lines[:1], "no rows below the header"),
                                ([*lines[:2], lines[2].replace("children=2", "children=3"), *lines[3:]],
                                 "results.csv:3: setting is 'children=3")):
            with self.subTest(reason=reason):
                path.write_text("\n".join(changed) + "\n")
                self.assert_complaint(reason)
                path.write_text(before)

    def test_an_unfinished_run_is_named(self):
        self.change_cell("children", 2, "final", "0")
        self.assert_complaint("children=2,alpha=0.1,beta=0, seed 1 has 0 final rows")

    def test_a_missing_update_is_named(self):
        path = self.results / "tables_5_3_to_5_5" / "results.csv"
        lines = path.read_text().splitlines()
        self.assertIn(",1,2000,", lines[10])
        path.write_text("\n".join(lines[:10] + lines[11:]) + "\n")
        self.assert_complaint("alpha=0.1,beta=0, seed 1 has no row for update 2000")

    def test_a_setting_that_the_thesis_does_not_have_is_not_left_out_in_silence(self):
        path = self.results / "tables_5_3_to_5_5" / "results.csv"
        path.write_text(path.read_text().replace('"alpha=0.9,beta=0.9",0.9,0.9', '"alpha=0.7,beta=0.9",0.7,0.9'))
        self.assert_complaint("setting 'alpha=0.7,beta=0.9' is none of")

    def test_returns_that_are_not_those_of_the_results_are_named(self):
        path = self.results / "children" / "final_returns.csv"
        before = path.read_text()
        lines = before.splitlines()
        for changed, reason in ((lines[:3] + lines[4:], "no returns of children=2,alpha=0.1,beta=0, seed 3"),
                                ([*lines[:2], lines[2] + " 7", *lines[3:]], "final_returns.csv:3: 41 returns"),
                                ([*lines[:2], lines[2].rsplit(" ", 1)[0] + " 999", *lines[3:]],
                                 "final_returns.csv:3: the returns' mean is"),
                                ([*lines[:2], lines[2] + " x", *lines[3:]], "final_returns.csv:3: returns is 'x'")):
            with self.subTest(reason=reason):
                path.write_text("\n".join(changed) + "\n")
                self.assert_complaint(reason)
                path.write_text(before)

    def test_markers_that_do_not_pair_are_named(self):
        for text, reason in (("<!-- generated: plateau -->\n", "docs/results.md:1: block 'plateau' has no"),
                             ("x\n<!-- end: plateau -->\n", "docs/results.md:2: end of 'plateau' outside"),
                             ("<!-- generated: plateau -->\n<!-- generated: tuned -->\n", "begins inside of 'plateau'"),
                             ("<!-- generated: plateau -->\n<!-- end: tuned -->\n", "end of 'tuned' inside"),
                             ("<!-- generated: nothing -->\n<!-- end: nothing -->\n", "there is no block 'nothing'")):
            self.document.write_text(text)
            self.assert_complaint(reason)

    def test_a_tree_without_the_document_is_named(self):
        self.document.unlink()
        self.assert_complaint("docs/results.md is missing")

    def test_a_bad_cell_of_what_others_published_is_named(self):
        path = self.results / "published.csv"
        self.change(path, ",155.8,", ",fast,")
        with self.assertRaisesRegex(data.ResultsError, "published.csv:2: mean is 'fast'; expected a number"):
            data.Data(self.root).published("LunarLander-v2")
        self.change(path, "task,", "game,")
        with self.assertRaisesRegex(data.ResultsError, "published.csv:1: the header is 'game,"):
            data.Data(self.root).published("LunarLander-v2")

    def test_unknown_arguments_end_with_2(self):
        self.assertEqual(run(self.root, "--fast").returncode, 2)
        self.assertEqual(run(self.root, "--check", "--tables").returncode, 2)


class Plots(Tree):
    def name_plot(self, name):
        self.document.write_text(self.document.read_text() + f"![x](results/plots/{name}.svg)\n")

    def write_plot(self, name, mark):
        (self.results / "plots").mkdir(exist_ok=True)
        (self.results / "plots" / f"{name}.svg").write_text(f"<svg><!-- {mark} --></svg>")

    def test_a_plot_of_the_present_data_passes_and_one_of_others_does_not(self):
        self.name_plot("children")
        self.write_plot("children", plots.MARK + plots.data_hash(self.results, "children"))
        outcome = run(self.root, "--check")
        self.assertEqual(outcome.returncode, 0, outcome.stdout)
        self.assertIn("1 plot,", outcome.stdout)
        self.change_cell("children", 2, "mean_length", "301")  # in no table
        outcome = self.assert_complaint("docs/results/plots/children.svg: drawn from other data")
        self.assertNotIn("block", outcome.stdout.splitlines()[0])

    def test_a_plot_that_is_named_and_missing(self):
        self.name_plot("children")
        self.assert_complaint("docs/results/plots/children.svg is missing", "docs/results.md:")

    def test_a_plot_without_its_mark(self):
        self.write_plot("children", "nothing")
        self.assert_complaint("children.svg: no 'genkidama-data-sha256:'")

    def test_a_plot_whose_data_are_missing(self):
        self.write_plot("tuned", "nothing")
        (self.results / "tuned_cluster" / "results.csv").unlink()
        self.assert_complaint("plot 'tuned' is drawn from docs/results/tuned_cluster/results.csv, which is missing")

    def test_a_plot_that_does_not_exist(self):
        self.name_plot("pie")
        self.assert_complaint("there is no plot 'pie'")

    def test_the_hash_depends_on_the_name_and_on_every_file(self):
        seen = {name: plots.data_hash(self.results, name) for name in plots.PLOTS}
        self.assertEqual(len(set(seen.values())), len(seen))
        self.change_cell("table_5_2", 2, "mean_length", "301")
        changed = {name for name in plots.PLOTS if plots.data_hash(self.results, name) != seen[name]}
        self.assertEqual(changed, {"table_5_2_learning", "table_5_2_boxes", "density"})

    def test_without_matplotlib_it_says_what_to_install(self):
        # -S leaves out the folders of installed packages; -I those of the environment.
        outcome = run(self.root, python_flags=("-S", "-E", "-s"))
        self.assertEqual(outcome.returncode, 2, outcome.stdout + outcome.stderr)
        self.assertIn("python3-matplotlib", outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)

    @unittest.skipUnless(HAS_MATPLOTLIB, "no matplotlib")
    def test_every_plot_is_drawn_small_and_the_same_twice(self):
        for name in plots.PLOTS:
            self.name_plot(name)
        outcome = run(self.root)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""), outcome.stdout + outcome.stderr)
        drawn = {path.stem: path.read_bytes() for path in (self.results / "plots").glob("*.svg")}
        self.assertEqual(set(drawn), set(plots.PLOTS))
        for name, svg in drawn.items():
            self.assertLess(len(svg), 150_000, name)
            self.assertIn(b"<text", svg, name)
        self.assertEqual(run(self.root, "--check").returncode, 0)
        self.assertEqual(run(self.root).returncode, 0)
        for path in (self.results / "plots").glob("*.svg"):
            self.assertEqual(path.read_bytes(), drawn[path.stem], path.stem)

    @unittest.skipUnless(HAS_MATPLOTLIB, "no matplotlib")
    def test_plots_without_data_are_left_out_by_name(self):
        (self.results / "children" / "results.csv").unlink()
        outcome = run(self.root, "--only", "children")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("docs/results/children/results.csv, which is missing", outcome.stderr)
        text = self.document.read_text()
        begin, end = text.index("<!-- generated: children"), text.index("<!-- end: children -->")
        self.document.write_text(text[:begin] + text[end + len("<!-- end: children -->"):])
        outcome = run(self.root)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("plot children left out: no docs/results/children/results.csv", outcome.stdout)

    @unittest.skipUnless(HAS_MATPLOTLIB, "no matplotlib")
    def test_one_policy_per_run_is_no_learning_curve(self):
        path = self.results / "table_5_2" / "results.csv"
        lines = path.read_text().splitlines()
        column = lines[0].split(",").index("final") - len(lines[0].split(","))
        path.write_text("\n".join(line for line in lines if line.split(",")[column] in ("final", "1")) + "\n")
        outcome = run(self.root, "--only", "table_5_2_learning")
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("left out: docs/results/table_5_2/results.csv has one policy per run", outcome.stdout)


if __name__ == "__main__":
    unittest.main()
