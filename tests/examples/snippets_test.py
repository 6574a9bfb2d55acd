#!/usr/bin/env python3
"""The snippet check itself: pages that differ from the code are found out."""

import pathlib
import tempfile
import unittest

import check_snippets

SOURCE = "int main() {\n  first();\n  second();\n  third();\n}\n"


def problems(block, marker="<!-- from main.cpp -->", language="cpp"):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        (root / "main.cpp").write_text(SOURCE)
        (root / "page.md").write_text(f"text\n\n{marker}\n```{language}\n{block}\n```\nmore\n")
        return check_snippets.check_tree(root, ["page.md"])


class SnippetChecks(unittest.TestCase):
    def test_an_excerpt_is_accepted_whatever_its_indentation(self):
        self.assertEqual(problems("first();\nsecond();"), [])

    def test_gaps_stand_for_lines_left_out(self):
        self.assertEqual(problems("int main() {\n  ...\n  third();"), [])
        self.assertEqual(problems("int main() {\n  // ...\n}"), [])

    def test_a_line_that_differs_is_named(self):
        self.assertIn("does not go on with 'other();'", problems("first();\nother();")[0])

    def test_lines_left_out_silently_are_found(self):
        self.assertIn("'third();'", problems("first();\nthird();")[0])

    def test_another_order_is_found(self):
        self.assertEqual(len(problems("second();\n...\nfirst();")), 1)

    def test_a_block_without_a_source_is_found(self):
        self.assertIn("without", problems("first();", marker="")[0])
        self.assertIn("there is no", problems("first();", marker="<!-- from other.cpp -->")[0])

    def test_other_languages_are_left_alone(self):
        self.assertEqual(problems("anything", marker="", language="sh"), [])


if __name__ == "__main__":
    unittest.main()
