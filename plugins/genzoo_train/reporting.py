"""What a training reports while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from genzoo_core.progress import EVERY, Pulse, left
from genzoo_core.table import wrapped
from genzoo_core.training import Progress


class Reporter:
    """Called in the course of a training; this one is silent, for use from Python."""

    def stage(self, name: str, progress: Progress) -> None:
        """A stage begins, or goes on, at `progress`."""

    def step(self, done: int) -> None:
        """So many steps of the stage are done. Called after each: must be cheap."""

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        """The mean figures of the last steps."""

    def note(self, message: str) -> None:
        """Something that a user should read."""

    def close(self) -> None:
        """The training is over."""


class LineReporter(Reporter):
    """A line for each set of figures, and after ten seconds without, on stderr, for logs."""

    def __init__(self, every: float = EVERY) -> None:
        self._stage, self._start, self._total = "", 0, 0
        self._since, self._pulse = time.monotonic(), Pulse(every)

    def stage(self, name: str, progress: Progress) -> None:
        self._stage, self._start, self._total = name, progress.step, progress.total
        self._since = time.monotonic()
        self._pulse.restart()
        self.note(f"stage {name}: {progress.total} steps, from {progress.step}")

    def step(self, done: int) -> None:
        if self._pulse.due():
            self._line(done)

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        self._line(progress.step, f"  {_text(values)}")

    def _line(self, done: int, figures: str = "") -> None:
        self._pulse.restart()
        each = (time.monotonic() - self._since) / max(done - self._start, 1)
        rest = left((self._total - done) * each)
        self.note(f"{self._stage} {done}/{self._total}{figures}  {rest}")

    def note(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)  # noqa: T201


BAR = 20
"""Columns of the bar."""

GONE = suppress(OSError)
"""What is drawn on a terminal that was closed a moment ago fails; a signal says the same, and stops
the training in good order."""


class BarReporter(Reporter):
    """A progress bar on a terminal."""

    INTERVAL = 0.2

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(BAR),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            auto_refresh=False,  # a thread that draws would take the interpreter from the steps
        )
        self._task = self._bar.add_task("", total=None, figures="", visible=False)
        self._next = 0.0
        self._bar.start()

    def stage(self, name: str, progress: Progress) -> None:
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(
            name, total=progress.total, completed=progress.step, figures=""
        )

    def step(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self.INTERVAL
            with GONE:
                self._bar.update(self._task, completed=done, refresh=True)

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        task = self._bar.tasks[-1]
        beside = len(f"{task.description}  {progress.total}/{progress.total}  0:00:00  ") + BAR
        figures = _text(values, self._bar.console.width - beside)
        with GONE:
            self._bar.update(self._task, completed=progress.step, figures=figures, refresh=True)

    def note(self, message: str) -> None:
        text = "\n".join(wrapped(message, file=sys.stderr))
        with GONE:
            self._bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        with GONE:
            self._bar.refresh()
            self._bar.stop()


def _text(values: Mapping[str, float], room: int | None = None) -> str:
    """Figures as "loss 0.123  1,234 images/s", the first that fit into so many columns."""
    parts = [f"{n} {v:.4g}" for n, v in values.items() if n not in ("images/s", "s/step")]
    speed = f"{values['images/s']:,.0f} images/s"
    while room is not None and parts and len("  ".join([*parts, speed])) > room:
        parts.pop()
    return "  ".join([*parts, speed])
