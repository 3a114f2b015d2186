"""The comparison as a Markdown table, for a README."""

from __future__ import annotations

import re

from genzoo_compare.baselines import MEASURE, TRAIN
from genzoo_compare.columns import cells, columns, floor_cell
from genzoo_compare.comparison import Comparison
from genzoo_compare.families import look
from genzoo_compare.steadiness import family_verdict
from genzoo_compare.verdicts import USABLE, Verdict, verdicts


def as_markdown(comparison: Comparison) -> str:
    """The table, best values bold; then how each figure is measured again."""
    table_columns, rows = columns(comparison), comparison.rows
    header = ["Family", "Model"]
    for column in table_columns:
        details = ", ".join(filter(None, (column.net_title, column.unit)))
        header.append(column.title + (f" ({details})" if details else ""))
    header.append("Training stability")
    grid = [cells(column, rows, comparison.net_names) for column in table_columns]
    floors = (floor_cell(column, rows).text for column in table_columns)
    table = [header, ["---", "---", *["--:"] * len(table_columns), "---"]]
    table.append(["", "*real training images*", *floors, ""])
    for row, line in zip(rows, zip(*grid, strict=True) if grid else [()] * len(rows), strict=True):
        name = code(row.name) + (f" with {code(row.departure)}" if row.settings else "")
        figures = [f"**{cell.text}**" if cell.best else cell.text for cell in line]
        title = look(row.family).title + (" (published)" if row.baseline else "")
        stability = family_verdict(None if row.baseline else comparison.stability, row.family)
        table.append([escaped(title), name, *figures, escaped(stability)])
    for missing in comparison.missing:
        title = f"{look(missing.family).title} (published)"
        reason = escaped(f"{missing.title}: {missing.reason}")
        table.append([escaped(title), reason, *["–"] * len(table_columns), "–"])
    lines = ["| " + " | ".join(line) + " |" for line in table]
    best = "; ".join(map(_verdict, verdicts(comparison)))
    lines += ["", *([f"Best at {best}."] if best else []), "", _method(comparison)]
    if notes := _notes(comparison):
        lines += ["", notes]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text without anything that Markdown or HTML would read as markup, in one line."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", _one_line(text))


def code(text: str) -> str:
    """Text as code, whatever is in it, in one line and inside a table."""
    one_line = _one_line(text).replace("|", "\\|")
    ticks = "`" * (max(map(len, re.findall("`+", one_line)), default=0) + 1)
    pad = " " if "`" in one_line else ""
    return f"{ticks}{pad}{one_line}{pad}{ticks}"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _verdict(verdict: Verdict) -> str:
    best = verdict.best
    others = ", ".join(code(row.name) for row in verdict.tied)
    return (
        f"**{verdict.criterion.title}**: {escaped(look(best.family).title)} "
        f"({code(best.name)}, {escaped(verdict.criterion.text(best))}"
        + (f"; as good within the errors: {others})" if others else ")")
    )


def _method(comparison: Comparison) -> str:
    there = (row for row in comparison.rows if row.shipped and row.report.command)
    commands = dict.fromkeys(row.report.command for row in there)
    by = f" by {code(comparison.command)}" if comparison.command else ""
    return (
        f"Drawn{by}; n = {comparison.counts} pictures of each model; the floor is the same figure "
        "for real training images. Bold is the best of what can be run and lies below "
        f"{USABLE:.0f} floors. "
        "Training stability is that of small nets of the family, each trained for a short while "
        "with other seeds and learning rates; autoencoders fail by their reconstructions alone, "
        "all others by their pictures. "
        "Measured again by: " + ", ".join(map(code, commands)) + "."
    )


def _notes(comparison: Comparison) -> str:
    machines = comparison.machines
    notes = [f"Speed was measured on {escaped(machines)}."] if machines else []
    notes += [f"{code(row.name)}: {escaped(row.note)}." for row in comparison.rows if row.note]
    absent = ", ".join(code(row.name) for row in comparison.rows if not row.shipped)
    if absent:
        notes.append(
            f"The weights of {absent} do not ship: {code(TRAIN.format(name='NAME'))} "
            f"makes them, and {code(MEASURE.format(name='NAME', settings=''))} measures them."
        )
    return " ".join(notes)
