"""How far a long measurement is, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from genzoo_core.progress import Lines, on_terminal, to_stderr
from genzoo_core.table import wrapped

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


OnProgress = Callable[[str, float, int], None]
"""Called as `on_progress(what, done, total)`, in images or in steps of a training."""


class Progress:
    """Lines on stderr, and a bar below them where that is a terminal; nothing if `silent`."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._bar: Bar | None = None
        self._lines: dict[str, Lines] = {}
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        if on_terminal() and not self._silent:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, text: str) -> None:
        """Say what is being done, in one line."""
        if self._silent:
            return
        if self._bar is not None:
            lines = "\n".join(wrapped(text, file=sys.stderr))
            self._bar.console.print(lines, markup=False, highlight=False)
        else:
            to_stderr(text)

    def update(self, what: str, done: float, total: int) -> None:
        """Say that `done` of `total` images are made."""
        if self._bar is None:
            self._say(what, done, total)
            return
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)
        if done >= total:
            self._bar.remove_task(self._tasks.pop(what))

    def _say(self, what: str, done: float, total: int) -> None:
        if what not in self._lines:
            self._lines[what] = Lines(what, "", tell=self.tell)
        self._lines[what].update(done, total)
