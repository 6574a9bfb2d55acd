#!/usr/bin/env python3
"""Holds every #include below include/ and src/ against the table of modules and their rooms in modules.json.

    check_includes.py [--root DIRECTORY]

Prints one line per violation and ends with exit code 1 when there is any.
"""

import argparse
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Table:
    def __init__(self, path=HERE / "modules.json"):
        content = json.loads(pathlib.Path(path).read_text())
        self.modules = content["modules"]
        self.third_party = content["third_party"]
        for module, needs in self.modules.items():
            for need in needs:
                if module in self.modules.get(need, [module]):
                    raise ValueError(f"{path}: '{module}' needs '{need}', which is unknown or needs it in turn")

    def room_of(self, name):
        """The module or room of a file, by the longest name in the table that its path begins with, or None.

        The ending does not count, so that a public header may stand for a room: genkidama/net/parent.h is of net/parent.
        """
        parts = pathlib.PurePosixPath(name).with_suffix("").parts
        for length in range(len(parts), 0, -1):
            room = "/".join(parts[:length])
            if room in self.modules:
                return room
        return None

    def package_of(self, header):
        for name, package in self.third_party.items():
            if any(header == p or (p.endswith("/") and header.startswith(p)) for p in package["prefixes"]):
                return name
        return None


def listed(allowed, item):
    return allowed == "all" or item in allowed


def check_own(table, module, public, header, private):
    """An include of this library's: `header` begins with the module that it lies in."""
    target = table.room_of(header)
    if target is None:
        return f"'{header}' lies in no module of the table"
    if public and private:
        return "a public header includes a private one"
    if target != module and target not in table.modules[module]:
        return f"'{module}' may not include '{target}'"
    return None


def check_foreign(table, module, public_name, header):
    package = table.package_of(header)
    if package is None:
        if "/" not in header and "." not in header:
            return None  # the standard library
        return f"<{header}> is of no package in the table"
    rules = table.third_party[package]
    if not listed(rules["modules"], module):
        return f"'{module}' may not include {package}"
    if public_name is not None and not listed(rules["public_headers"], public_name):
        return f"a public header may not include {package}"
    return None


def check_include(table, module, public_name, quote, header):
    public = public_name is not None
    parts = header.split("/")
    if parts[0] == "genkidama":
        return check_own(table, module, public, "/".join(parts[1:]), private=False)
    if quote == '"':
        if len(parts) < 2:
            return "write the module before the name of a private header"
        return check_own(table, module, public, header, private=True)
    return check_foreign(table, module, public_name, header)


def check_file(table, root, path, base):
    name = path.relative_to(root / base)
    shown = path.relative_to(root)
    room = table.room_of(name)
    if len(name.parts) < 2 or room is None:
        return [f"{shown}: lies in none of the modules of the table"]
    public_name = name.as_posix() if base.startswith("include") else None
    problems = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        problem = match and check_include(table, room, public_name, *match.groups())
        if problem:
            problems.append(f"{shown}:{number}: {line.strip()}: {problem}")
    return problems


def check_tree(root, table):
    problems = []
    seen = 0
    for base in ("include/genkidama", "src"):
        for path in sorted((root / base).rglob("*")):
            if path.is_file() and path.name != "CMakeLists.txt":
                seen += 1
                problems += check_file(table, root, path, base)
    if seen == 0:
        problems.append(f"{root}: no sources found")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parent.parent)
    problems = check_tree(parser.parse_args().root.resolve(), Table())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
