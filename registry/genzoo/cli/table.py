"""Aligned columns, as genzoo's own commands print them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from genzoo.text import shortened
from genzoo_core.table import size, wrapped, write_table

__all__ = ["fields", "shape", "size", "wrapped", "write_table"]

MOST, LONGEST_NAME, LONGEST = 100, 60, 1000
"""Most fields, and most characters of a name and of a value: a file's header may hold a megabyte of
each."""


def fields(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Name and value in two columns; what is empty is left out, and too much of it.

    On a terminal a long value goes on below its beginning.
    """
    there = [(shortened(n, LONGEST_NAME), shortened(value, LONGEST)) for n, value in pairs if value]
    longest = max((len(name) for name, _ in there), default=0)
    for name, value in there[:MOST]:
        yield from wrapped(value, f"  {name:{longest}}  ")
    if len(there) > MOST:
        yield f"  … and {len(there) - MOST} more; --json shows them"


def shape(value: Sequence[int] | None) -> str:
    """A picture's shape as text, "1×28×28"."""
    return "×".join(map(str, value or ()))
