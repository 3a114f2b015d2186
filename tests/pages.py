"""Pages of the documentation, as the blocks that the suite runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"(?:(Add to|In)\s+)?`([^`\s]+)`:\s*$")
_WAYS: dict[str | None, Literal["new", "add", "in"]] = {None: "new", "Add to": "add", "In": "in"}


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: "console", "python", "toml".
        text: Its lines.
        line: Where it begins in the page.
        file: The file that the line before it names, or "".
        way: Whether it is a new file, goes to the end of one, or is in it already.
    """

    language: str
    text: str
    line: int
    file: str = ""
    way: Literal["new", "add", "in"] = "new"


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        before = text[: found.start()]
        place = _PLACE.search(before)
        line = before.count("\n") + 1
        if place is None:
            yield Block(found[1], found[2], line)
        else:
            yield Block(found[1], found[2], line, place[2], _WAYS[place[1]])


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that it is said to show."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line.removeprefix("$ "), []
        else:
            shown.append(line)
    if command:
        yield command, shown


def shows(output: str, wanted: list[str]) -> bool:
    """Whether the output has these lines in this order; "…" stands for anything."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    position = 0
    for want in wanted:
        parts = (re.escape(part) for part in " ".join(want.split()).split("…"))
        pattern = re.compile(".*".join(parts))
        while position < len(lines) and not pattern.fullmatch(lines[position]):
            position += 1
        if position == len(lines):
            return False
        position += 1
    return True
