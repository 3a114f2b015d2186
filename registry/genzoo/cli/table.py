"""Aligned columns on stdout, cut to the width of the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from genzoo.text import printable, shortened

GAP = "  "

WIDEST = 40
"""Columns of the widest cell that others are aligned with; one that is wider moves its own row."""


MOST, LONGEST_NAME, LONGEST = 100, 60, 1000
"""Most fields, and most characters of a name and of a value: a file's header may hold a megabyte of
each."""


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header, columns aligned.

    On a terminal a line is cut to its width; elsewhere nothing is cut. What could steer a
    terminal is shown as an escape.
    """
    lines = [[printable(cell) for cell in row] for row in ([*map(str.upper, header)], *rows)]
    widths = [min(max(map(width, column)), WIDEST) for column in zip(*lines, strict=True)]
    room = terminal_width()
    for line in lines:
        cells = (cell + " " * (w - width(cell)) for cell, w in zip(line, widths, strict=True))
        sys.stdout.write(cut(GAP.join(cells).rstrip(), room) + "\n")


def fields(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Name and value in two columns; what is empty is left out, and too much of it."""
    there = [(shortened(n, LONGEST_NAME), shortened(value, LONGEST)) for n, value in pairs if value]
    longest = max((len(name) for name, _ in there), default=0)
    for name, value in there[:MOST]:
        yield f"  {name:{longest}}  {value}"
    if len(there) > MOST:
        yield f"  … and {len(there) - MOST} more; --json shows them"


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is, or None where it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def width(text: str) -> int:
    """Columns that `text` takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    from unicodedata import combining, east_asian_width

    return 0 if combining(character) else 1 + (east_asian_width(character) in "WF")


def cut(text: str, room: int | None) -> str:
    """`text` with its end replaced by an ellipsis where it is wider than `room` columns."""
    if room is None or width(text) <= room:
        return text
    ends = accumulate(map(_columns, text))
    return text[: sum(end < room for end in ends)] + "…"


def shape(value: Sequence[int] | None) -> str:
    """A picture's shape as text, "1×28×28"."""
    return "×".join(map(str, value or ()))


def size(count: int) -> str:
    """A number of bytes as text, in decimal units: "5.4 MB"; "" for 0."""
    if not count:
        return ""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
