"""What a training says while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Protocol

from genzoo_core.training import Progress


class Reporter(Protocol):
    """Told of a training's course. `step` is called after each step and must be cheap."""

    def stage(self, name: str, progress: Progress) -> None:
        """A stage begins, or goes on, at `progress`."""
        ...

    def step(self, done: int) -> None:
        """That many steps of the stage are done."""
        ...

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        """The mean figures of the last steps."""
        ...

    def note(self, message: str) -> None:
        """Something that a user should know."""
        ...

    def close(self) -> None:
        """The training is over."""
        ...


class SilentReporter:
    """Says nothing: for use from Python."""

    def stage(self, name: str, progress: Progress) -> None: ...

    def step(self, done: int) -> None: ...

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None: ...

    def note(self, message: str) -> None: ...

    def close(self) -> None: ...


class LineReporter:
    """A line for each set of figures, on stderr: for logs and pipes."""

    def __init__(self) -> None:
        self._stage = ""

    def stage(self, name: str, progress: Progress) -> None:
        self._stage = name
        self.note(f"stage {name}: {progress.total} steps, from {progress.step}")

    def step(self, done: int) -> None: ...

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        left = duration((progress.total - progress.step) * values["s/step"])
        self.note(f"{self._stage} {progress.step}/{progress.total}  {text(values)}  {left} left")

    def note(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    def close(self) -> None: ...


class BarReporter:
    """A progress bar on a terminal."""

    INTERVAL = 0.2

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
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
            self._bar.update(self._task, completed=done, refresh=True)

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        self._bar.update(self._task, completed=progress.step, figures=text(values), refresh=True)

    def note(self, message: str) -> None:
        self._bar.console.print(message, markup=False, highlight=False)

    def close(self) -> None:
        self._bar.refresh()
        self._bar.stop()


def terminal_reporter() -> Reporter:
    """A bar where stderr is a terminal, else lines."""
    return BarReporter() if sys.stderr.isatty() else LineReporter()


def text(values: Mapping[str, float]) -> str:
    """Figures as "loss 0.123  1,234 images/s"."""
    parts = [f"{n} {v:.4g}" for n, v in values.items() if n not in ("images/s", "s/step")]
    return "  ".join([*parts, f"{values['images/s']:,.0f} images/s"])


def duration(seconds: float) -> str:
    """Seconds as "1:02:03" or "02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
