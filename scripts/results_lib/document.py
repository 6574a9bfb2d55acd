"""Pages of docs: prose by hand, and blocks between "<!-- generated: NAME -->" and "<!-- end: NAME -->"."""

import re
from dataclasses import dataclass

from .data import ResultsError
from .tables import BLOCKS

BEGIN = re.compile(r"<!-- generated: (.*?) -->\s*")
END = re.compile(r"<!-- end: (.*?) -->\s*")
PLOT_LINK = re.compile(r"plots/([\w.-]+)\.svg")


@dataclass
class Block:
    name: str
    line: int  # of its first marker
    text: str  # between the markers


def split(text, file):
    """The document as a list of strings (prose, markers included) and Blocks."""
    parts = [""]
    block = None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        where = f"{file}:{number}"
        begin, end = BEGIN.fullmatch(line), END.fullmatch(line)
        if begin:
            name = begin.group(1)
            if block:
                raise ResultsError(f"{where}: block '{name}' begins inside of '{block.name}' of line {block.line}")
            if name not in BLOCKS:
                raise ResultsError(f"{where}: there is no block '{name}'; expected one of {', '.join(BLOCKS)}")
            block = Block(name, number, "")
            parts[-1] += line
        elif end:
            if not block or end.group(1) != block.name:
                inside = f"inside of '{block.name}' of line {block.line}" if block else "outside of every block"
                raise ResultsError(f"{where}: end of '{end.group(1)}' {inside}")
            parts += [block, line]
            block = None
        elif block:
            block.text += line
        else:
            parts[-1] += line
    if block:
        raise ResultsError(f"{file}:{block.line}: block '{block.name}' has no <!-- end: {block.name} -->")
    return parts


def blocks_of(parts):
    return [part for part in parts if isinstance(part, Block)]


def generate(block, data, file):
    """The text that belongs between the markers, with empty lines so that Markdown sees a table there."""
    try:
        return f"\n{BLOCKS[block.name](data)}\n\n"
    except ResultsError as error:
        raise ResultsError(f"{file}:{block.line}: block '{block.name}': {error}") from None


def pages_of(root):
    """The pages that may hold blocks: docs/*.md, then docs/results/*.md."""
    return [*sorted((root / "docs").glob("*.md")), *sorted((root / "docs" / "results").glob("*.md"))]


def plots_named_in(root):
    """{plot: "file:line" of its first mention} in README.md and pages_of()."""
    named = {}
    for path in [root / "README.md", *pages_of(root)]:
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for name in PLOT_LINK.findall(line):
                    named.setdefault(name, f"{path.relative_to(root)}:{number}")
    return named
