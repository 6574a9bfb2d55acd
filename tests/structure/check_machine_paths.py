#!/usr/bin/env python3
"""Finds paths of one machine (home directories, build folders) in the files that users get.

    check_machine_paths.py [--root DIRECTORY]

Prints one line per violation and ends with exit code 1 when there is any.
"""

import argparse
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Not after a letter, a dot or a slash: "src/work/x" and "https://host/work/x" are no paths of a machine.
MACHINE_PATH = re.compile(r"(?<![\w./~$}-])/(?:work|root|home|Users|workspace|tmp/build)(?:/|-|\b)[\w./-]*")
# Made by builds and runs, or, for tests/, allowed to name any path.
LEFT_OUT = {".git", ".cache", "build", "runs", "tests", "__pycache__"}


def check_tree(root):
    problems = []
    seen = 0
    for folder, folders, files in os.walk(root):
        if pathlib.Path(folder) == root:
            folders[:] = [f for f in folders if f not in LEFT_OUT and not f.startswith("build")]
            files = [f for f in files if f not in LEFT_OUT]  # .git, in a worktree of git's
        folders[:] = [f for f in folders if f != "__pycache__"]
        for name in files:
            path = pathlib.Path(folder) / name
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (UnicodeDecodeError, OSError):
                continue  # pictures and the like
            seen += 1
            for number, line in enumerate(lines, 1):
                for match in MACHINE_PATH.finditer(line):
                    problems.append(f"{path.relative_to(root)}:{number}: '{match.group()}' is a path of one machine")
    if seen == 0:
        problems.append(f"{root}: no files found")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    problems = check_tree(parser.parse_args().root.resolve())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
