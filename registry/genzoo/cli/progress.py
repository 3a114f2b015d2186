"""How far a command is: a bar on a terminal, else a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from genzoo.text import printable
from genzoo_core.progress import Lines, on_terminal

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 0.5
"""Seconds that work may take before a bar shows how far it is."""


class OnProgress(Protocol):
    """Called in pictures, of which one under way counts in part."""

    def __call__(self, done: float, total: int, before: float = 0, /) -> None:
        """`done` of `total` are there, `before` of which were at the beginning."""


@contextmanager
def progress(title: str, *, silent: bool = False) -> Iterator[OnProgress]:
    """What shows how many of how many pictures are done, while the block lasts."""
    if silent:
        yield lambda *_: None
    elif on_terminal():
        with ExitStack() as stack:
            yield _bar(title, stack)
    else:
        yield Lines(title).update


def _bar(title: str, stack: ExitStack) -> OnProgress:
    begin = time.monotonic()
    bars: list[Progress] = []

    def update(done: float, total: int, _before: float = 0) -> None:
        if time.monotonic() - begin < PATIENCE:
            return
        if not bars:
            bars.append(stack.enter_context(_drawn()))
            bars[0].add_task(printable(title), total=total)
        bars[0].update(bars[0].task_ids[0], total=total, completed=int(done))

    return update


def _drawn() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), Left())
    return Progress(*columns, console=Console(stderr=True), transient=True)
