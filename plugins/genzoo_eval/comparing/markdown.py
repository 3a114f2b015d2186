"""The comparison as a Markdown table, for a README."""

from __future__ import annotations

import re

from genzoo_eval.comparing.baselines import MEASURE, TRAIN
from genzoo_eval.comparing.columns import cells, columns, floor_cell
from genzoo_eval.comparing.comparison import USABLE, Comparison, Row
from genzoo_eval.comparing.families import look
from genzoo_eval.comparing.verdicts import Verdict, verdicts


def as_markdown(comparison: Comparison) -> str:
    """The table, best values bold; then how each figure is measured again."""
    shown = columns(comparison)
    rows = comparison.rows
    header = ["Family", "Model"]
    for column in shown:
        details = ", ".join(filter(None, (column.net_title, column.unit)))
        header.append(column.title + (f" ({details})" if details else ""))
    header.append("Training stability")
    grid = [cells(column, rows, comparison.net_names) for column in shown]
    table = [header, ["---", "---", *["--:"] * len(shown), "---"]]
    table.append(["", "*real training images*", *(floor_cell(c, rows).text for c in shown), ""])
    for index, row in enumerate(rows):
        texts = [column[index] for column in grid]
        figures = [f"**{cell.text}**" if cell.best else cell.text for cell in texts]
        title = look(row.family).title + (" (published)" if row.baseline else "")
        table.append([escaped(title), _name(row), *figures, escaped(_stability(comparison, row))])
    for missing in comparison.missing:
        title = f"{look(missing.family).title} (published)"
        reason = escaped(f"{missing.title}: {missing.reason}")
        table.append([escaped(title), reason, *["–"] * len(shown), "–"])
    lines = ["| " + " | ".join(line) + " |" for line in table]
    return "\n".join([*lines, "", *_verdicts(comparison), "", *_commands(comparison)]) + "\n"


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


def _name(row: Row) -> str:
    return code(row.name) + (f" with {code(row.departure)}" if row.settings else "")


def _stability(comparison: Comparison, row: Row) -> str:
    found = comparison.stability.of(row.family) if comparison.stability else None
    if found is None or row.baseline:
        return "not measured"
    return found.verdict


def _verdicts(comparison: Comparison) -> list[str]:
    parts = [_verdict(verdict) for verdict in verdicts(comparison)]
    return ["Best at " + "; ".join(parts) + "."] if parts else []


def _verdict(verdict: Verdict) -> str:
    best = verdict.best
    others = ", ".join(code(row.name) for row in verdict.tied)
    return (
        f"**{verdict.criterion.title}**: {escaped(look(best.family).title)} "
        f"({code(best.name)}, {escaped(verdict.criterion.text(best))}"
        + (f"; no worse: {others})" if others else ")")
    )


def _commands(comparison: Comparison) -> list[str]:
    there = (row for row in comparison.rows if row.shipped and row.report.command)
    commands = dict.fromkeys(row.report.command for row in there)
    counts = sorted({row.report.n for row in comparison.rows})
    told = " or ".join(f"{count:,}" for count in counts)
    by = f" by {code(comparison.command)}" if comparison.command else ""
    notes = [f"{code(row.name)}: {escaped(row.note)}." for row in comparison.rows if row.note]
    absent = [code(row.name) for row in comparison.rows if not row.shipped]
    if absent:
        notes.append(
            f"The weights of {', '.join(absent)} do not ship: {code(TRAIN.format(name='NAME'))} "
            f"makes them, and {code(MEASURE.format(name='NAME', settings=''))} measures them."
        )
    machines = sorted({row.report.machine for row in comparison.rows if row.report.machine})
    if machines:
        notes.insert(0, f"Speed was measured on {escaped('; '.join(machines))}.")
    return [
        f"Drawn{by}; n = {told} pictures of each model; the floor is the same figure for "
        "real training images. Bold is the best of what can be run and lies below "
        f"{USABLE:.0f} floors. "
        "Training stability is that of small nets of the family, each trained for a short while "
        "with other seeds and learning rates; autoencoders fail by their reconstructions alone, "
        "all others by their pictures. "
        "Measured again by: " + ", ".join(map(code, commands)) + ".",
        *(["", " ".join(notes)] if notes else []),
    ]
