"""Aligned columns, and sizes in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from genzoo_core.text import printable


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header, columns aligned."""
    lines = [[printable(cell) for cell in row] for row in ([*map(str.upper, header)], *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def size(count: int) -> str:
    """A number of bytes in decimal units: "5.4 MB"."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
