#!/usr/bin/env python3
"""Holds the files in deploy/, and the commands in docs/deploy.md and docs/arm.md, to what the program takes.

    check_deploy.py PROGRAM [--root DIRECTORY]      PROGRAM: lunar_lander

Every flag named there must be in `PROGRAM COMMAND --help`. The YAML files must be YAML, the shell scripts shell, and the
units what systemd takes; what cannot be checked, because a tool is missing, is said. Exit codes: 0 all well, 1 not.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMANDS = ("train", "parent", "child", "cluster", "evaluate", "sweep", "learner", "actor", "shard", "server",
            "environment-host", "peer")
# What runs for good has a file of each kind.
ROLES = ("parent", "child", "learner", "actor", "shard", "server", "environment-host", "peer")
# A program, its command, and the rest of that shell command.
CALL = re.compile(r"(?:lunar_lander|cart_pole|genkidama-run|\"?\$\{?(?:run|program)\}?\"?|\"\$0\") (" + "|".join(COMMANDS) + r")\b([^;|\n]*)")
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")


def joined_lines(text):
    """Lines that a backslash continues are one; comments of scripts speak to users too, so they stay."""
    return re.sub(r"\\\n\s*", " ", text)


def calls_in_text(text):
    for match in CALL.finditer(joined_lines(text)):
        yield match.group(1), FLAG.findall(match.group(2))


def calls_in_unit(text):
    """ExecStart, with the flags that come from $GENKIDAMA_FLAGS."""
    text = joined_lines(text)
    starts = [call for line in re.findall(r"^ExecStart=(.*)$", text, re.M) for call in calls_in_text(line)]
    defaults = FLAG.findall("\n".join(re.findall(r"^Environment=.*$", text, re.M)))
    for command, flags in starts:
        yield command, flags + defaults


def calls_in_env(path, text):
    """A service's flags; the file is called after its command."""
    yield path.stem, FLAG.findall("\n".join(re.findall(r"^GENKIDAMA_FLAGS=.*$", text, re.M)))


def lists_in(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from lists_in(value)
    elif isinstance(node, list):
        yield [str(item) for item in node]
        for item in node:
            yield from lists_in(item)


def calls_in_yaml(text):
    for document in yaml.safe_load_all(text):
        for words in lists_in(document):
            if words and words[0] in COMMANDS:
                yield words[0], FLAG.findall(" ".join(words))


def calls_in_containerfile(text):
    for words in re.findall(r'^(?:CMD|ENTRYPOINT) \[(.*)\]$', joined_lines(text), re.M):
        words = re.findall(r'"([^"]*)"', words)
        if words and words[0] in COMMANDS:
            yield words[0], FLAG.findall(" ".join(words))


def calls_of(path):
    text = path.read_text()
    if path.suffix == ".service":
        return list(calls_in_unit(text))
    if path.suffix == ".env":
        return list(calls_in_env(path, text))
    if path.suffix in (".yaml", ".yml"):
        return list(calls_in_yaml(text)) if yaml else []
    if path.name == "Containerfile":
        return list(calls_in_containerfile(text))
    return list(calls_in_text(text))


class Flags:
    """Those that each command of the program takes, asked once."""

    def __init__(self, program):
        self.program = program
        self.known = {}

    def of(self, command):
        if command not in self.known:
            shown = subprocess.run([self.program, command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
            self.known[command] = set(FLAG.findall(shown)) | {"help"}
        return self.known[command]

    def problems(self, name, calls):
        return [f"{name}: '{command}' takes no --{flag}" for command, flags in calls for flag in flags
                if flag not in self.of(command)]


def run_tool(name, command, what, problems, notes):
    if not shutil.which(command[0]):
        notes.append(f"{what} not checked: {command[0]} is not installed")
        return
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 or done.stdout.strip():
        problems.append(f"{name}: {done.stdout.strip() or done.returncode}")


def check_units(root, problems, notes):
    """systemd wants programs and credentials to be there, so it is shown copies that name what is."""
    with tempfile.TemporaryDirectory() as place:
        for unit in sorted((root / "deploy/systemd").glob("*.service")):
            text = unit.read_text().replace("/usr/lib/genkidama/genkidama-run", str(root / "deploy/genkidama-run"))
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
            (pathlib.Path(place) / unit.name).write_text(text)
            run_tool(unit.name, ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"{place}/{unit.name}"],
                     unit.name, problems, notes)


def roles_without(root):
    """Roles that no file of a kind starts."""
    kinds = {"unit": "systemd/*.service", "file of flags": "systemd/*.env", "script": "slurm/*.sbatch"}
    if yaml:
        kinds["compose file"] = "container/*.yaml"
    for kind, pattern in kinds.items():
        started = {command for path in (root / "deploy").glob(pattern) for command, _ in calls_of(path)}
        for role in ROLES:
            if role not in started:
                yield f"deploy/{pattern}: no {kind} starts '{role}'"


def self_check(flags):
    """What this script must find, or it finds nothing."""
    samples = ["lunar_lander parent --no-such-flag", "sudo genkidama-run child DIR \\\n  --no-such-flag=1"]
    for sample in samples:
        if len(flags.problems("sample", list(calls_in_text(sample)))) != 1:
            raise SystemExit(f"check_deploy: an unknown flag was not found in: {sample}")
    unit = 'Environment="GENKIDAMA_FLAGS=--no-such-flag"\nExecStart=/x/genkidama-run parent %S --other-flag $GENKIDAMA_FLAGS\n'
    if len(flags.problems("sample", list(calls_in_unit(unit)))) != 2:
        raise SystemExit("check_deploy: unknown flags were not found in a unit")
    if yaml and len(flags.problems("sample", list(calls_in_yaml("a: [{args: [child, x, --no-such-flag=1]}]")))) != 1:
        raise SystemExit("check_deploy: an unknown flag was not found in YAML")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    root = arguments.root
    flags = Flags(arguments.program)
    self_check(flags)

    problems, notes = [], []
    if not yaml:
        notes.append("YAML files not checked: python3-yaml is not installed")
    files = [path for path in sorted((root / "deploy").rglob("*")) if path.is_file()]
    files += [path for path in (root / "docs/deploy.md", root / "docs/arm.md") if path.exists()]
    named = {}
    for path in files:
        name = str(path.relative_to(root))
        try:
            calls = calls_of(path)
        except Exception as error:  # pylint: disable=broad-except
            problems.append(f"{name}: {error}")
            continue
        named[name] = sum(len(used) for _, used in calls)
        problems += flags.problems(name, calls)
        if path.read_text().startswith("#!"):
            run_tool(name, ["shellcheck", str(path)], name, problems, notes)
    check_units(root, problems, notes)
    # Each of these starts something; none may have escaped the reading above.
    for path in files:
        name = str(path.relative_to(root))
        starts = path.suffix in (".service", ".env", ".sbatch", ".md") or (yaml and path.suffix == ".yaml")
        if starts and named.get(name) == 0:
            problems.append(f"{name}: no flag was found in it")
    problems += roles_without(root)
    for note in notes:
        print(note)
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {sum(named.values())} flags, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
