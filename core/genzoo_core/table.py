"""Aligned columns and lines, which fit the terminal that they are written to."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TextIO

from genzoo_core.text import printable

GAP = "  "

WIDEST = 40
"""Columns of the widest cell that others are aligned with; one that is wider moves its own row."""

ROOM = 36
"""Columns that the last cell of a row shall have, before other cells are left out for it."""

NARROWEST = 20
"""Columns of the narrowest text that is broken into lines."""


def write_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, drop: Sequence[str] = ()
) -> list[str]:
    """Print rows under a header, columns aligned. What could steer a terminal is escaped.

    Elsewhere than on a terminal all is printed. On one that is too narrow the columns of `drop`
    are left out, in that order, and then the end of a row is cut; its first cell never is.

    Returns:
        The columns that were left out.
    """
    lines = [[printable(cell) for cell in row] for row in ([*map(str.upper, header)], *rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(width, column)) for column in columns]
    room = terminal_width()
    shown = _shown(header, widths, room, drop)
    aligned = [min(widths[index], WIDEST) for index in shown]
    for line in lines:
        cells = [line[index] for index in shown]
        padded = (cell + " " * (w - width(cell)) for cell, w in zip(cells, aligned, strict=True))
        text = GAP.join(padded).rstrip()
        least = width(cells[0])
        # Of a name alone no blanks are left, and no ellipsis says that it has more.
        text = cells[0] if room is not None and least + len(GAP) >= room else cut(text, room)
        sys.stdout.write(text + "\n")
    return [name for index, name in enumerate(header) if index not in shown]


def _shown(
    header: Sequence[str], widths: Sequence[int], room: int | None, drop: Sequence[str]
) -> list[int]:
    """Which columns are printed, by their numbers."""
    shown = list(range(len(header)))
    for name in drop:
        *before, last = (widths[index] for index in shown)
        needed = sum(min(each, WIDEST) + len(GAP) for each in before) + min(last, ROOM)
        if room is None or needed <= room:
            break
        shown = [index for index in shown if header[index] != name]
    return shown


def terminal_width(file: TextIO | None = None) -> int | None:
    """Columns of the terminal that a file, by default stdout, is; None where it is none."""
    file = file or sys.stdout
    if file is None or not file.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(file.fileno()).columns or None
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


def wrapped(
    text: str, begin: str = "", then: str | None = None, file: TextIO | None = None
) -> list[str]:
    """`begin` and `text` in lines that fit the terminal; elsewhere in one line.

    The further lines begin with `then`, by default with as many blanks as `begin` has columns. A
    word is never broken: it may be a path that somebody copies. Escaped as in a table. The terminal
    is that of `file`, by default stdout.
    """
    text = printable(text)
    indent = " " * width(begin) if then is None else then
    room = terminal_width(file)
    if room is None or width(begin + text) <= room or room - len(indent) < NARROWEST:
        return [begin + text]
    import textwrap

    return textwrap.wrap(
        text,
        room,
        initial_indent=begin,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")
"""A word of a command, as `shlex.join` quotes it."""


def wrapped_command(command: str, begin: str = "", file: TextIO | None = None) -> list[str]:
    """A command in lines that fit the terminal, which a shell still reads as one: a line that is
    not the last ends with a backslash. Elsewhere in one line."""
    room = terminal_width(file)
    command = printable(command)
    if room is None or width(begin + command) <= room:
        return [begin + command]
    first, *words = WORD.findall(command)
    lines = [begin + first]
    for word in words:
        if width(f"{lines[-1]} {word} \\") > room:
            lines[-1] += " \\"
            lines.append(" " * (width(begin) + 4) + word)
        else:
            lines[-1] += f" {word}"
    return lines


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
