#!/usr/bin/env python3
"""Holds the pages (README.md, docs, and the other Markdown files) to their form.

    check_pages.py [--root DIRECTORY]

A line has at most 120 characters, unless it is a row of a table, stands in a code block or holds a URL. A relative link
leads to a file or a folder, and its part behind "#" to a heading of that page. Prints one line per violation and ends
with exit code 1 when there is any.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ["docs", "benchmarks", "deploy"]
WIDTH = 120
ANY_WIDTH = {"CHANGELOG.md"}  # everybody appends to it
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`]*`")


def pages_of(root):
    return sorted([*root.glob("*.md"), *(page for folder in FOLDERS for page in (root / folder).rglob("*.md"))])


def prose_of(text):
    """(number, line) of the lines outside code blocks."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def slug(heading):
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def anchors_of(text):
    """The anchors of a page; a heading that is there again gets -1, -2, ..."""
    seen = {}
    anchors = set()
    for _, line in prose_of(text):
        heading = re.match(r"#+ (.*)", line)
        if heading:
            name = slug(heading.group(1))
            anchors.add(f"{name}-{seen[name]}" if name in seen else name)
            seen[name] = seen.get(name, 0) + 1
    return anchors


def complaint_about_link(root, page, target):
    """What is wrong with a relative link, or None."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists() or not file.is_relative_to(root):
        return f"the link '{target}' leads to no file of this project"
    if anchor and file.suffix == ".md" and anchor not in anchors_of(file.read_text(encoding="utf-8")):
        return f"the link '{target}' leads to no heading of {file.relative_to(root)}"
    return None


def check_page(root, page):
    name = page.relative_to(root)
    # Links may be broken over two lines, so they are looked for in the whole prose; the text keeps its line numbers.
    lines = dict(prose_of(page.read_text(encoding="utf-8")))
    for number, line in lines.items():
        if len(line) > WIDTH and name.as_posix() not in ANY_WIDTH and not line.lstrip().startswith("|") and "://" not in line:
            yield f"{name}:{number}: {len(line)} characters; a line has at most {WIDTH}"
    prose = "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
    prose = CODE.sub(lambda code: re.sub(r"[^\n]", "x", code.group()), prose)
    for link in LINK.finditer(prose):
        target = link.group(1)
        if "://" in target or target.startswith("mailto:"):
            continue
        complaint = complaint_about_link(root, page, target)
        if complaint:
            yield f"{name}:{prose.count(chr(10), 0, link.start(1)) + 1}: {complaint}"


def check_tree(root):
    root = pathlib.Path(root).resolve()
    return [problem for page in pages_of(root) for problem in check_page(root, page)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="another tree than this script's own")
    problems = check_tree(parser.parse_args().root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
