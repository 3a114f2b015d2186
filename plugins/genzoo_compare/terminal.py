"""The comparison as a table of plain text, at most 100 columns wide, or as a terminal is."""

from __future__ import annotations

import textwrap

from genzoo_compare.columns import Column, cells, columns, floor_cell
from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.families import look
from genzoo_compare.steadiness import family_verdict
from genzoo_compare.verdicts import USABLE, explained, verdicts
from genzoo_core.text import printable

NAME = 24
"""Most characters of a model's name."""

WIDTH = 100
"""Most characters of a line of words."""

DROPPED = ("parameters", "recall", "precision", "images_per_second")
"""Columns that a narrower terminal does without, the least important first."""


def as_text(comparison: Comparison, room: int = WIDTH) -> str:
    """The table, with a star at the best of a column, the verdicts and what it leaves out.

    Of `room` columns where that is less than `WIDTH`.
    """
    room = min(room, WIDTH)
    table, others = _table(comparison, room)
    notes = _notes(comparison, room, starred=any("*" in line for line in table))
    if others:
        wider = f"A wider terminal has room for {', '.join(others).lower()}."
        notes += textwrap.wrap(wider, room)
    lines = [*table, "", *_verdicts(comparison, room), *notes]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _table(comparison: Comparison, room: int) -> tuple[list[str], list[str]]:
    """The lines of the table, with as many columns as there is room for, and titles of the rest."""
    every = shown = columns(comparison, few=True)
    for key in ("", *DROPPED):
        shown = tuple(column for column in shown if column.key != key)
        lines = _aligned(_header(shown), _body(comparison, shown, room))
        if max(len(line.rstrip()) for line in lines) <= room:
            break
    return lines, [column.title for column in every if column not in shown]


def cut(text: str, room: int) -> str:
    """`text`, its end replaced by an ellipsis where it is longer than `room`."""
    return text if len(text) <= room else text[: room - 1] + "…"


def _header(table_columns: tuple[Column, ...]) -> list[list[str]]:
    """The titles, word under word: a list of cells for each column."""
    titles = [["MODEL"]]
    for column in table_columns:
        words = [*column.title.upper().replace("÷ ", "÷\u00a0").split(" ")]
        words += column.net_title.replace("-", "- ").split()
        titles.append([*words, *([column.unit] if column.unit else [])])
    return titles


def _body(
    comparison: Comparison, table_columns: tuple[Column, ...], room: int
) -> list[list[str] | str]:
    rows = comparison.rows
    grid = [cells(column, rows, comparison.net_names) for column in table_columns]
    floors = (floor_cell(column, rows).text + " " for column in table_columns)
    lines: list[list[str] | str] = [["real training images", *floors]]
    heading = ""
    for index, row in enumerate(rows):
        if (above := _heading(comparison, row, room)) != heading:
            lines.append(heading := above)
        texts = (column[index] for column in grid)
        lines.append([_name(row), *(c.text + ("*" if c.best else " ") for c in texts)])
    return lines


def _heading(comparison: Comparison, row: Row, room: int) -> str:
    title = printable(look(row.family).title)
    if row.baseline:
        return cut(f"{title}, published work", room)
    verdict = printable(family_verdict(comparison.stability, row.family))
    return cut(f"{title}; training stability: {verdict}", room)


def _name(row: Row) -> str:
    return "  " + cut(printable(row.name), NAME) + (" ¹" if row.settings else "")


def _aligned(header: list[list[str]], body: list[list[str] | str]) -> list[str]:
    """Lines of cells, names left and figures right; the header's words end at the bottom."""
    height = max(map(len, header))
    stacks = [[""] * (height - len(words)) + words for words in header]
    # Figures end in a star or a blank, so their titles end in a blank as well.
    stacks[1:] = [[word + " " for word in words] for words in stacks[1:]]
    rows = [*map(list, zip(*stacks, strict=True)), *body]
    tables = [row for row in rows if isinstance(row, list)]
    widths = [max(map(len, column)) for column in zip(*tables, strict=True)]
    return [row if isinstance(row, str) else _line(row, widths) for row in rows]


def _line(texts: list[str], widths: list[int]) -> str:
    name, *figures = zip(texts, widths, strict=True)
    return " ".join([name[0].ljust(name[1]), *(text.rjust(width) for text, width in figures)])


def _verdicts(comparison: Comparison, room: int) -> list[str]:
    lines = []
    for verdict in verdicts(comparison):
        best = verdict.best
        name, value = printable(best.name), verdict.criterion.text(best)
        title = printable(look(best.family).title)
        line = f"{verdict.criterion.title + ':':<16}{title}, {name}: {value}"
        others = ", ".join(printable(row.name) for row in verdict.tied)
        line += f"; as good within the errors: {others}" if others else ""
        lines += textwrap.wrap(line, room, subsequent_indent=" " * 16)
    return lines


def _notes(comparison: Comparison, room: int, *, starred: bool) -> list[str]:
    rows = comparison.rows
    notes = [""]
    if starred:
        best = f"* best of its column, of what can be run and lies below {USABLE:.0f} floors;"
        notes += textwrap.wrap(best, room)
    notes += textwrap.wrap(explained(comparison), room)
    page = "-o report.html shows pictures, intervals and commands."
    notes += textwrap.wrap(f"n = {comparison.counts} pictures of each. {page}", room)
    if comparison.machines:
        machines = f"Speed was measured on {comparison.machines}."
        notes += textwrap.wrap(printable(machines), room)
    if len(comparison.net_names) > 1:
        net = comparison.short(comparison.net_names[0])
        text = f"Precision and recall in the features of the {net} net."
        notes += textwrap.wrap(text, room)
    for setting in dict.fromkeys(row.departure for row in rows if row.settings):
        names = ", ".join(printable(row.name) for row in rows if row.departure == setting)
        notes.append(cut(f"¹ {names}: with {printable(setting)}", room))
    for row in rows:
        if row.note:
            notes += textwrap.wrap(f"{printable(row.name)}: {printable(row.note)}", room)
    absent = ", ".join(printable(row.name) for row in rows if not row.shipped)
    if absent:
        text = f"Trained here from recipes, and their weights do not ship: {absent}."
        notes += textwrap.wrap(text, room)
    missing = (printable(f"{m.title}: {m.reason}") for m in comparison.missing)
    return [*notes, *(cut(f"Not measured: {text}", room) for text in missing)]
