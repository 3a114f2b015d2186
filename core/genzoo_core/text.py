"""Text from others, made fit for a terminal."""

from __future__ import annotations

LONGEST = 400
"""Characters of the longest message, and of the longest hint."""


def printable(text: str) -> str:
    """`text` in one line, in which whatever a terminal would obey is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_message(text: str, longest: int = LONGEST) -> str:
    """A message as it is printed: one `printable` line, without its middle where it is long."""
    return shortened(printable(" ".join(map(str.strip, text.splitlines()))), longest)


def shortened(text: str, longest: int = LONGEST) -> str:
    """`text` with an ellipsis in place of its middle where it has more characters than `longest`.

    A message says at its beginning what is wrong, and at its end why.
    """
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 1]}…{text[-end:]}"


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


def many(count: int, thing: str) -> str:
    """A count with its noun: "1 picture", "2,000 pictures"."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
