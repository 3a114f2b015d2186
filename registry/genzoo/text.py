"""Text that others wrote, made fit to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from genzoo_core.text import LONGEST, as_message, brief, many, one_line, printable, shortened

__all__ = ["as_message", "brief", "many", "one_line", "printable", "shortened"]  # of the core

LONGEST_LINE = 2 * LONGEST + len("; ")
"""Characters of the longest line: a message and its hint."""

SHOWN = 100
"""Characters of a value that a message repeats."""

NAMES = 20
"""Names of which a message lists the first."""


def shown_path(path: object) -> str:
    """A path as text that can be encoded: names of files need not be."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def quoted(value: object) -> str:
    """A value, most often a name, as a message repeats it: its beginning where it is long."""
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]!r}…"
    try:
        text = repr(value)
    except Exception:  # nested too deep, a number of too many digits, or a `__repr__` of its own
        return f"<{type(value).__name__}>"
    return text if isinstance(value, str) or len(text) <= SHOWN else f"{text[:SHOWN]}…"


def listed(names: Sequence[str], between: str = ", ") -> str:
    """Names as a message lists them: the first ones where there are many."""
    return between.join([*names[:NAMES], *(["…"] if len(names) > NAMES else [])])
