#!/usr/bin/env python3
"""Looks for test files that no CMakeLists.txt names, so that nobody builds them. Exit code 1 when there are any.

    check_tests_built.py [--root ROOT]     ROOT: the folder with tests in it; default: this project
"""
import argparse
import pathlib
import sys


def unbuilt(root):
    """The files of tests/ called *_test.cpp, *_test.c or *_test.py that stand in no CMakeLists.txt there."""
    tests = root / "tests"
    lists = "\n".join(path.read_text(encoding="utf-8") for path in tests.rglob("CMakeLists.txt"))
    files = [path for kind in ("cpp", "c", "py") for path in tests.rglob(f"*_test.{kind}")]
    return sorted(str(path.relative_to(root)) for path in files if path.name not in lists)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    missing = unbuilt(parser.parse_args().root)
    for file in missing:
        print(f"{file} is named in no CMakeLists.txt below tests; expected each test to be built and run")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
