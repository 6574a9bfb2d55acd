#!/usr/bin/env python3
"""Looks through an installed Genkidama for what must not be there.

    check_installed.py [--debug-information] PREFIX SOURCE_DIRECTORY BUILD_DIRECTORY

No file names the source, the build or the staging directory; run paths are relative; all public headers are there,
export what they declare and name no file that only the source tree has; shared libraries have a version and show the library's own symbols only. Prints one line per
violation and ends with exit code 1 when there is any.
"""

import argparse
import pathlib
import re
import subprocess
import sys

NAMESPACE = re.compile(r"^namespace (?:\w+ )?genkidama\b(?!::).*{$", re.MULTILINE)
SOURCE_FILE = re.compile(r"(?:(?<![\w./-])(?:\.\./)*(?:docs|tests|src|scripts|benchmarks|cmake|deploy|packaging)/[\w./*-]*\w"
                         r"|[\w./-]*\w\.md\b)")
# A template's symbol begins with its return type, "std::vector<double> genkidama::...".
OWN_SYMBOL = re.compile(r"(?:(?:typeinfo|typeinfo name|vtable) for |[\w:]+(?:<[^()]*>)? )?genkidama::")


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def elf_files(prefix):
    for path in sorted(prefix.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
            yield path


def check_paths(prefix, forbidden):
    for path in sorted(prefix.rglob("*")):
        if path.is_symlink() and path.readlink().is_absolute():
            yield f"{path}: is a link to the absolute path {path.readlink()}"
        if not path.is_file():
            continue
        content = path.read_bytes()
        for directory in forbidden:
            if str(directory).encode() in content:
                yield f"{path}: contains '{directory}'"


def check_headers(prefix, source):
    installed = prefix / "include"
    torch = any((prefix.rglob("genkidama-torch-targets.cmake")))
    mujoco = any((prefix.rglob("genkidama-mujoco-targets.cmake")))
    mpi = any((prefix.rglob("genkidama-mpi-targets.cmake")))
    for header in sorted((source / "include").rglob("*.h")):
        name = header.relative_to(source / "include")
        if ("libtorch" in name.parts and not torch) or ("mujoco" in name.parts and not mujoco) or \
                ("mpi" in name.parts and not mpi):
            continue
        if not (installed / name).is_file():
            yield f"{name}: is not installed"
        for line in NAMESPACE.findall(header.read_text()):
            if "GENKIDAMA_EXPORT" not in line and name.as_posix() not in ("genkidama/wire/protocol.h",):
                yield f"{name}: '{line}' must be 'namespace GENKIDAMA_EXPORT genkidama {{' (core/export.h)"
    for header in sorted(installed.rglob("*.h")):
        for number, line in enumerate(header.read_text().splitlines(), 1):
            for named in SOURCE_FILE.findall(line):
                yield f"{header}:{number}: names '{named}', which is not installed; say there what readers need to know"
    for header in installed.rglob("*"):
        if header.is_file() and header.suffix != ".h":
            yield f"{header}: is no header"


def check_elf(path):
    dynamic = tool("readelf", "-dW", str(path))
    for run_path in re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic):
        for entry in run_path.split(":"):
            if not entry.startswith("$ORIGIN"):
                yield f"{path}: is looked for libraries in '{entry}'; expected a path from $ORIGIN"
    if not path.name.startswith("libgenkidama"):
        return
    soname = re.search(r"SONAME.*\[(.*)\]", dynamic)
    if not soname or not re.fullmatch(r"libgenkidama\w*\.so\.\d+(\.\d+)?", soname.group(1)):
        yield f"{path}: its soname has no ABI version: {soname and soname.group(1)}"
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
    if path.name.startswith("libgenkidama_") and any("torch" in name or "c10" in name for name in needed):
        yield f"{path}: needs LibTorch: {needed}"
    for line in tool("nm", "-DC", "--defined-only", str(path)).splitlines():
        symbol = line.split(maxsplit=2)[2]
        if not OWN_SYMBOL.match(symbol):
            yield f"{path}: shows '{symbol}'"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--debug-information", action="store_true", help="paths in object files are no violation")
    parser.add_argument("prefix", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    options = parser.parse_args()

    problems = list(check_headers(options.prefix, options.source))
    forbidden = [options.source, options.build, pathlib.Path(f"{options.prefix}.staged")]
    for problem in check_paths(options.prefix, forbidden):
        if not (options.debug_information and re.search(r"\.(?:a|so[.\d]*): |/bin/", problem)):
            problems.append(problem)
    for path in elf_files(options.prefix):
        problems += check_elf(path)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
