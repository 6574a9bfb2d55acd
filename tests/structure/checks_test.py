#!/usr/bin/env python3
"""The structure checks themselves: small trees that break one rule each are found out."""

import json
import pathlib
import tempfile
import unittest

import check_includes
import check_machine_paths
import check_pages
import check_tests_built


class Tree:
    """A project of a few files in a temporary directory."""

    def __init__(self, files):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name).resolve()
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        self.directory.cleanup()


class IncludeChecks(unittest.TestCase):
    def problems(self, name, include):
        with Tree({name: f"#pragma once\n{include}\n"}) as root:
            return check_includes.check_tree(root, check_includes.Table())

    def assert_allowed(self, name, include):
        self.assertEqual(self.problems(name, include), [])

    def assert_refused(self, name, include, reason):
        problems = self.problems(name, include)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(f"{name}:2: {include}", problems[0])
        self.assertIn(reason, problems[0])

    def test_modules_may_include_themselves_and_what_stands_below_them(self):
        self.assert_allowed("src/net/child/child.cpp", '#include "genkidama/net/child.h"')
        self.assert_allowed("src/net/child/child.cpp", '#include "genkidama/params/local_trainer.h"')
        self.assert_allowed("src/cli/commands/train.cpp", '#include "genkidama/orchestrator/core_orchestrator.h"')
        self.assert_allowed("src/orchestrator/x.cpp", '#include "rl/worker.h"')

    def test_net_and_orchestrator_never_include_each_other(self):
        self.assert_refused("src/net/child/child.cpp", '#include "genkidama/orchestrator/core_orchestrator.h"',
                            "'net/child' may not include 'orchestrator'")
        self.assert_refused("include/genkidama/orchestrator/x.h", '#include "genkidama/net/child.h"',
                            "'orchestrator' may not include 'net/child'")

    def test_a_lower_module_includes_no_higher_one_not_even_in_angle_brackets_or_its_private_headers(self):
        self.assert_refused("include/genkidama/core/x.h", "#include <genkidama/params/safetensors.h>",
                            "'core' may not include 'params'")
        self.assert_refused("src/ipc/x.cpp", '#  include "rl/rollout.h"', "'ipc' may not include 'rl'")

    def test_rooms_are_held_by_the_longest_name_that_fits(self):
        self.assert_allowed("src/net/parent/x.cpp", '#include "net/host/dialer.h"')
        self.assert_allowed("src/net/host/x.cpp", '#include "net/link/link.h"')
        self.assert_refused("src/net/link/x.cpp", '#include "net/host/dialer.h"',
                            "'net/link' may not include 'net/host'")
        self.assert_refused("src/net/pace.cpp", '#include "net/link/link.h"', "'net' may not include 'net/link'")
        self.assert_refused("src/net/parent/x.cpp", '#include "net/child/child_session.h"',
                            "'net/parent' may not include 'net/child'")
        self.assert_refused("src/run/metrics/x.cpp", '#include "genkidama/net/parent.h"',
                            "'run/metrics' may not include 'net/parent'")

    def test_a_public_header_stands_for_the_room_of_its_name(self):
        self.assert_refused("include/genkidama/net/child.h", '#include "genkidama/net/parent.h"',
                            "'net/child' may not include 'net/parent'")
        self.assert_allowed("include/genkidama/net/child.h", '#include "genkidama/net/limits.h"')

    def test_training_runs_know_nothing_of_the_command_line(self):
        self.assert_refused("src/run/x.cpp", '#include "cli/options/settings.h"', "'run' may not include 'cli/options'")
        self.assert_refused("include/genkidama/run/x.h", '#include "genkidama/cli/program.h"',
                            "'run' may not include 'cli/program'")

    def test_public_headers_include_no_private_ones(self):
        self.assert_refused("include/genkidama/net/child.h", '#include "net/link/link.h"', "includes a private one")

    def test_private_headers_are_named_with_their_module(self):
        self.assert_refused("src/net/link.cpp", '#include "link.h"', "write the module")

    def test_a_file_outside_every_module_is_found(self):
        with Tree({"src/gossip/x.cpp": "", "include/genkidama/all.h": ""}) as root:
            problems = check_includes.check_tree(root, check_includes.Table())
        self.assertEqual(len(problems), 2, problems)

    def test_libtorch_stays_in_its_module_and_in_one_public_header(self):
        self.assert_allowed("src/libtorch/x.cpp", "#include <torch/torch.h>")
        self.assert_allowed("include/genkidama/libtorch/actor_critic.h", "#include <torch/torch.h>")
        self.assert_refused("src/params/x.cpp", "#include <torch/torch.h>", "'params' may not include LibTorch")
        self.assert_refused("src/cli/x.cpp", "#include <ATen/Parallel.h>", "'cli' may not include LibTorch")
        self.assert_refused("src/nn/x.cpp", "#include <torch/torch.h>", "'nn' may not include LibTorch")
        self.assert_refused("include/genkidama/libtorch/x.h", "#include <torch/torch.h>", "public header")

    def test_other_libraries_stay_where_the_table_puts_them(self):
        self.assert_allowed("src/env/lunar_lander.cpp", "#include <box2d/box2d.h>")
        self.assert_allowed("src/wire/x.h", "#include <nlohmann/json.hpp>")
        self.assert_refused("src/rl/x.cpp", "#include <box2d/box2d.h>", "'rl' may not include Box2D")
        self.assert_refused("src/cli/x.cpp", "#include <boost/asio.hpp>", "'cli' may not include Boost")
        self.assert_refused("include/genkidama/net/x.h", "#include <boost/asio.hpp>", "public header")
        self.assert_refused("include/genkidama/wire/x.h", "#include <nlohmann/json.hpp>", "public header")
        self.assert_refused("src/net/x.cpp", "#include <nlohmann/json.hpp>", "may not include nlohmann/json")

    def test_the_standard_library_and_fmt_are_allowed_everywhere(self):
        self.assert_allowed("include/genkidama/core/x.h", "#include <vector>")
        self.assert_allowed("include/genkidama/core/x.h", "#include <fmt/format.h>")

    def test_a_library_that_is_not_in_the_table_is_found(self):
        self.assert_refused("src/core/x.cpp", "#include <zlib.h>", "no package in the table")
        self.assert_refused("src/core/x.cpp", "#include <absl/strings/str_cat.h>", "no package in the table")

    def test_an_empty_tree_is_no_success(self):
        with Tree({"README.md": ""}) as root:
            self.assertNotEqual(check_includes.check_tree(root, check_includes.Table()), [])

    def test_a_table_with_a_circle_is_refused(self):
        table = {"modules": {"a": ["b"], "b": ["a"]}, "third_party": {}}
        with Tree({"modules.json": json.dumps(table)}) as root, self.assertRaises(ValueError):
            check_includes.Table(root / "modules.json")


class MachinePathChecks(unittest.TestCase):
    def problems(self, name, text):
        with Tree({name: text}) as root:
            return check_machine_paths.check_tree(root)

    def test_paths_of_one_machine_are_found(self):
        for text in ("see /workspace/x", "DIR=/tmp/build-x", '"/home/someone/x"', "cd /root", "(/home/x)"):
            self.assertEqual(len(self.problems("docs/x.md", f"first\n{text}\n")), 1, text)

    def test_other_paths_and_words_are_not(self):
        for text in ("src/work/x", "https://example.org/home/x", "/dev/shm", "/genkidama/1", "build/release",
                     "$HOME/work/x", "/usr/share", "/workers/3"):
            self.assertEqual(self.problems("docs/x.md", text), [], text)

    def test_tests_and_builds_are_left_out(self):
        with Tree({"tests/x.md": "/home/x", "build/x": "/home/x", ".git": "/home/x", "x.md": "fine"}) as root:
            self.assertEqual(check_machine_paths.check_tree(root), [])


class PageChecks(unittest.TestCase):
    def problems(self, text, **others):
        files = {name.replace("__", "/") + ".md": content for name, content in others.items()}
        with Tree({"docs/x.md": text, "docs/code/x.py": "", **files}) as root:
            return check_pages.check_tree(root)

    def test_long_lines_are_found_outside_tables_code_and_urls(self):
        self.assertEqual(self.problems("a\n\n" + "x" * 121), ["docs/x.md:3: 121 characters; a line has at most 120"])
        for text in ("x" * 120, "| " + "x" * 121 + " |", "```\n" + "x" * 121 + "\n```", "https://example.org/" + "x" * 121):
            self.assertEqual(self.problems(text), [], text)

    def test_a_link_to_a_missing_file_is_found_with_its_line(self):
        for target in ("gone.md", "../gone/", "../../outside.md", "code/gone.py", "gone.md#part"):
            problems = self.problems(f"first\n[words\nand more]({target})\n")
            self.assertEqual(problems, [f"docs/x.md:3: the link '{target}' leads to no file of this project"], target)

    def test_links_that_lead_somewhere_are_fine(self):
        for link in ("[a](y.md)", "[a](y.md#two-words)", "[a](#here)", "[a](code/x.py)", "[a](code)", "[a](../README.md)",
                     "[a](https://example.org/gone.md)", "`[a](gone.md)`", "```\n[a](gone.md)\n```", "[a](y.md#here-1)"):
            text = f"# Here\n{link}\n"
            self.assertEqual(self.problems(text, docs__y="## Two words\n# Here\n# Here\n", README=""), [], link)

    def test_a_link_to_a_missing_heading_is_found(self):
        problems = self.problems("[a](y.md#three-words) [b](#gone)", docs__y="# Two words\n```\n# Three words\n```\n")
        self.assertEqual(problems, ["docs/x.md:1: the link 'y.md#three-words' leads to no heading of docs/y.md",
                                    "docs/x.md:1: the link '#gone' leads to no heading of docs/x.md"])

    def test_headings_become_anchors_as_on_the_usual_sites(self):
        self.assertEqual(check_pages.slug("Train, average over time, save"), "train-average-over-time-save")
        self.assertEqual(check_pages.slug("The columns of `results.csv`"), "the-columns-of-resultscsv")
        self.assertEqual(check_pages.slug("A [link](x.md) - and more"), "a-link---and-more")


class TestsBuilt(unittest.TestCase):
    def test_a_test_that_nobody_builds_is_found(self):
        with tempfile.TemporaryDirectory() as place:
            root = pathlib.Path(place)
            room = root / "tests" / "env"
            room.mkdir(parents=True)
            (room / "CMakeLists.txt").write_text("add(SOURCES one_test.cpp\n  three_test.py)\n")
            for name in ("one_test.cpp", "two_test.cpp", "three_test.py", "support.cpp"):
                (room / name).touch()
            self.assertEqual(check_tests_built.unbuilt(root), ["tests/env/two_test.cpp"])


if __name__ == "__main__":
    unittest.main()
