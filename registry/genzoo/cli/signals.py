"""Ctrl-C and SIGTERM while something is being finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Finishing:
    """Puts off the first Ctrl-C or SIGTERM; a second one acts at once.

    Outside the main thread, where Python delivers no signals, nothing is changed.
    """

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before: dict[int, Any] = {}

    def put_off(self) -> None:
        """Let them wait from now on."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)

    def let_act(self) -> None:
        """Let them act from now on."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    def act(self) -> None:
        """Let one that came act now."""
        if self._came:
            signal.raise_signal(self._came.pop())

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block in which they act at once; before it, one that has come does."""
        self.let_act()
        try:
            self.act()
            yield
        finally:
            self.put_off()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(number)
        self.let_act()


@contextmanager
def finishing() -> Iterator[Finishing]:
    """Put off the first Ctrl-C or SIGTERM until the end of the block; a second one acts at once."""
    signals = Finishing()
    signals.put_off()
    try:
        yield signals
    finally:
        signals.let_act()
    signals.act()
