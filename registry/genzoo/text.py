"""Text that others wrote, made fit to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from genzoo_core.text import LONGEST, as_message, printable, shortened

__all__ = ["as_message", "printable", "shortened"]  # those of the core, beside the others

LONGEST_LINE = 2 * LONGEST + len("; ")
"""Characters of the longest line: a message and its hint."""

SHOWN = 100
"""Characters of a value that a message repeats."""

NAMES = 20
"""Names of which a message lists the first."""


def brief(error: BaseException) -> str:
    """What an error says, in one line of at most 300 characters; "" where it cannot say it."""
    try:
        text = str(error)
    except Exception:  # a `__str__` of its own
        text = ""
    return as_message(text, 300)


def one_line(error: BaseException) -> str:
    """An exception as "Type: message" in one line of at most 300 characters."""
    name, text = type(error).__name__, brief(error)
    return shortened(f"{name}: {text}" if text else name, 300)


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
