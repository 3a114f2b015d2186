"""How far long work is, for whoever has no terminal: a line every ten seconds on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta

from genzoo_core.table import wrapped

EVERY = 10.0
"""Seconds between two lines."""


def on_terminal() -> bool:
    """Whether somebody sees stderr, on which a bar can be drawn in place of lines."""
    return sys.stderr is not None and sys.stderr.isatty()


def to_stderr(text: str) -> None:
    """A message on stderr, in which nothing can steer a terminal: one line, or as many as a
    terminal has room for."""
    if sys.stderr is not None:
        print("\n".join(wrapped(text, file=sys.stderr)), file=sys.stderr, flush=True)  # noqa: T201


class Pulse:
    """Says when the next line is due, `every` so many seconds."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self.restart()

    def restart(self) -> None:
        """Count from now on: a line was written."""
        self._next = time.monotonic() + self._every

    def due(self) -> bool:
        """Whether so many seconds are over since it last was so."""
        if time.monotonic() < self._next:
            return False
        self.restart()
        return True


def left(seconds: float) -> str:
    """A time that work will take: "0:01:23 left"."""
    return f"{timedelta(seconds=round(seconds))} left"


class Lines:
    """What is done of something, what is left of it, and how long that takes.

    Args:
        title: What is under way.
        things: What is counted.
        amount: A count as text.
        tell: Where a line goes.
        every: Seconds between two lines.
    """

    def __init__(
        self,
        title: str,
        things: str = "pictures",
        *,
        amount: Callable[[float], str] = "{:,.0f}".format,
        tell: Callable[[str], None] = to_stderr,
        every: float = EVERY,
    ) -> None:
        self._title, self._things = title, f" {things}" if things else ""
        self._amount, self._tell = amount, tell
        self._begin, self._pulse = time.monotonic(), Pulse(every)

    def update(self, done: float, total: float, before: float = 0) -> None:
        """Say that `done` of `total` are there, `before` of which were at the beginning.

        Cheap enough to be called for each of them.
        """
        if not self._pulse.due() or done >= total:
            return
        line = f"{self._title}: {self._amount(done)} of {self._amount(total)}{self._things}"
        if (made := done - before) > 0:
            rate = made / (time.monotonic() - self._begin)
            speed = self._amount(rate) if rate > 100 else f"{rate:.2g}"
            line += f", {speed} a second, {left((total - done) / rate)}"
        self._tell(line)
