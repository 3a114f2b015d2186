"""Text that others wrote, made fit to be shown."""

from __future__ import annotations

SHOWN = 100
"""Characters of a name that a message repeats."""


def printable(text: str) -> str:
    """`text` in one line, without anything that a terminal would obey: that is shown escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def brief(error: BaseException) -> str:
    """What an error says, in one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]


def quoted(name: str) -> str:
    """`name` in quotes as a message repeats it: its beginning where it is long."""
    return repr(name) if len(name) <= SHOWN else f"{name[:SHOWN]!r}…"
