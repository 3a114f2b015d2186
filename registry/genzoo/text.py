"""Text that others wrote, made fit to be shown."""

from __future__ import annotations

SHOWN = 100
"""Characters of a value that a message repeats."""


def printable(text: str) -> str:
    """`text` in one line, without anything that a terminal would obey: that is shown escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def brief(error: BaseException) -> str:
    """What an error says, in one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]


def one_line(error: BaseException) -> str:
    """An exception as "Type: message" in one line of at most 300 characters."""
    name, text = type(error).__name__, brief(error)
    return (f"{name}: {text}" if text else name)[:300]


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
