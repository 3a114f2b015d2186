"""What a run tells its user: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from genzoo.text import printable, shown_path

if TYPE_CHECKING:
    from rich.progress import Progress

    from genzoo_core.pictures import Pictures
    from genzoo_core.request import Record

PATIENCE = 0.5
"""Seconds that a run may take before its progress is shown."""


def message(text: str) -> None:
    """One line on stderr. What a file says in it cannot steer the terminal."""
    click.echo(printable(text), err=True)


class ProgressBar:
    """A progress bar on stderr, where that is a terminal and the work takes a while.

    Args:
        title: What is being made.

    Attributes:
        visible: Whether there is anyone to see it.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._begin = time.monotonic()
        self.visible = sys.stderr.isatty()
        self._bar: Progress | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: float, total: int) -> None:
        """Show that `done` of `total` pictures are made; a fraction is a picture under way."""
        if not self.visible or time.monotonic() - self._begin < PATIENCE:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task(self._title, total=total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)


def print_result(record: Record, path: Path, as_json: bool, **figures: Any) -> None:
    """The path on stdout, or one JSON object.

    Args:
        record: How the result was made.
        path: Where it is.
        as_json: Print an object that holds both and `figures`.
        figures: What else the object says.
    """
    if not as_json:
        click.echo(os.fsencode(path))  # a name need not be text
        return
    import msgspec

    result: Mapping[str, Any] = {"path": shown_path(path), **figures, "record": record}
    # As ASCII: a record may hold a stranger's words.
    click.echo(json.dumps(json.loads(msgspec.json.encode(result))))


def preview_is_wanted(wanted: bool | None) -> bool:
    """Whether to show pictures: as the user said, or where a terminal shows colours."""
    from genzoo.run.outputs.preview import colour_depth

    if wanted is not None:
        return wanted
    return sys.stderr.isatty() and sys.stdout.isatty() and colour_depth() != "none"


def show_preview(pictures: Pictures) -> None:
    """Show pictures in the terminal."""
    import shutil

    from genzoo.run.outputs.layout import lay_out
    from genzoo.run.outputs.preview import colour_depth, render

    columns, lines = shutil.get_terminal_size()
    text = render(lay_out(pictures), colour_depth(), columns, max(4, lines - 4))
    # click strips colours where stderr is no terminal; who says --preview wants them.
    click.echo(text, err=True, nl=False, color=True)
