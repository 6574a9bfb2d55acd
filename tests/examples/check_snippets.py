#!/usr/bin/env python3
"""Holds the code that pages show against the programs and projects that the tests run.

    check_snippets.py [--root DIRECTORY]

In README.md and the pages of docs each C++ or CMake block follows a line that names a file,

    <!-- from examples/own_optimizer/main.cpp -->

and holds lines that follow one another there; a line "..." or "// ..." stands for any number of lines left out.
Indentation does not count. Prints one line per violation and ends with exit code 1 when there is any.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LANGUAGES = {"cpp", "c++", "cmake", "make"}
MARKER = re.compile(r"<!-- from (\S+) -->")
GAP = {"...", "// ...", "# ..."}


def blocks(text):
    """(number of the fence's line, its language, the line before it, the lines inside) of each fenced block."""
    lines = text.splitlines()
    start = None
    for i, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = i
        else:
            before = lines[start - 1] if start > 0 else ""
            yield start + 1, lines[start][3:].strip(), before, lines[start + 1 : i]
            start = None


def runs(lines):
    """The block's stretches of lines between gaps."""
    run = []
    for line in lines:
        if line.strip() in GAP:
            yield run
            run = []
        else:
            run.append(line.strip())
    yield run


def find(run, lines, start):
    """Index behind the first occurrence of `run` in `lines` from `start`, or None."""
    for i in range(start, len(lines) - len(run) + 1):
        if lines[i : i + len(run)] == run:
            return i + len(run)
    return None


def missing(block, text):
    """The first line of the first stretch that the text does not hold, or None."""
    lines = [line.strip() for line in text.splitlines()]
    position = 0
    for run in runs(block):
        found = find(run, lines, position)
        if found is None:
            # Name the line at which the longest beginning of the stretch ends.
            length = max(n for n in range(len(run)) if n == 0 or find(run[:n], lines, position) is not None)
            return run[length]
        position = found
    return None


def check_page(root, page):
    for number, language, before, block in blocks((root / page).read_text(encoding="utf-8")):
        if language not in LANGUAGES:
            continue
        marker = MARKER.fullmatch(before.strip())
        if not marker:
            yield f"{page}:{number}: a {language} block without '<!-- from FILE -->' in the line before"
            continue
        source = root / marker.group(1)
        if not source.is_file():
            yield f"{page}:{number}: there is no {marker.group(1)}"
            continue
        line = missing(block, source.read_text(encoding="utf-8"))
        if line is not None:
            yield f"{page}:{number}: {marker.group(1)} does not go on with '{line}'"


def check_tree(root, pages=None):
    if pages is None:
        pages = ["README.md", *sorted(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md"))]
    return [problem for page in pages for problem in check_page(root, page)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    problems = check_tree(parser.parse_args().root.resolve())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
