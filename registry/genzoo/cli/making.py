"""Carrying out a plan, whose pictures are written as they come, and what is printed of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.progress import progress
from genzoo.plugins.guard import stdout_to_stderr
from genzoo.run.outputs.destination import Destination, write
from genzoo.text import printable, shown_path
from genzoo_core.errors import UsageError
from genzoo_core.request import Record

if TYPE_CHECKING:
    from genzoo.run.compare import Replay
    from genzoo.run.tasks.task import Plan
    from genzoo.zoo import Zoo
    from genzoo_core.pictures import Pictures

PREVIEWED = 64
"""Pictures in a preview, or those of the first batch where it has more."""


def message(text: str) -> None:
    """One line on stderr. What a file says in it cannot steer the terminal."""
    click.echo(printable(text), err=True)


def print_result(record: Record, path: Path, as_json: bool, **figures: Any) -> None:
    """The path on stdout, or a JSON object that holds it, the record and `figures`."""
    if not as_json:
        click.echo(os.fsencode(path))  # a name need not be text
        return
    import msgspec

    result = {"path": shown_path(path), **figures, "record": record}
    # As ASCII: a record may hold a stranger's words.
    click.echo(json.dumps(json.loads(msgspec.json.encode(result))))


def _show_preview(pictures: Pictures) -> None:
    from genzoo.run.outputs.layout import lay_out
    from genzoo.run.outputs.preview import colour_depth, render

    columns, lines = shutil.get_terminal_size()
    text = render(lay_out(pictures), colour_depth(), columns, max(4, lines - 4))
    # click strips colours where stderr is no terminal; who says --preview wants them.
    click.echo(text, err=True, nl=False, color=True)


class Batches:
    """Batches of pictures on their way to a file, in a `with` block.

    In it Ctrl-C and SIGTERM act between batches alone, and end them; outside the main thread, where
    Python delivers none, nothing changes. A second one acts at once.

    Attributes:
        record: Of what has passed; None where nothing has.
        first: Those for a preview, where one is wanted.
        interrupt: What ended them too early, or None. With nothing made it is raised.
    """

    def __init__(self, batches: Iterator[Pictures], *, preview: bool) -> None:
        self._batches, self._preview = batches, preview
        self._came: list[int] = []
        self._before: dict[int, Any] = {}
        self.record: Record | None = None
        self.first: list[Pictures] = []
        self.interrupt: KeyboardInterrupt | None = None

    def __enter__(self) -> Batches:
        self._put_off()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._let_act()
        if kind is None:
            self._act()

    def __iter__(self) -> Iterator[Pictures]:
        from genzoo.run.make import spanning

        try:
            while (pictures := self._next()) is not None:
                self.record = spanning(self.record or pictures.record, pictures.record)
                if self._preview and sum(len(each.images) for each in self.first) < PREVIEWED:
                    self.first.append(pictures)
                yield pictures
        except KeyboardInterrupt as interrupt:
            if self.record is None:
                raise
            self.interrupt = interrupt

    def _next(self) -> Pictures | None:
        self._let_act()
        try:
            self._act()
            return next(self._batches, None)
        finally:
            self._put_off()

    def _put_off(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)

    def _let_act(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    def _act(self) -> None:
        if self._came:
            signal.raise_signal(self._came.pop())

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(number)
        self._let_act()


def carry_out(
    plan: Plan,
    destination: Destination,
    zoo: Zoo,
    again: Replay | None = None,
    *,
    preview: bool | None,
    as_json: bool,
    begin: float,
) -> None:
    """Make what was planned, write it, and say where it is; `begin` is when the work began.

    Of an interrupted run what is finished is written.
    """
    from genzoo.run.outputs.preview import colour_depth

    if preview is None:
        preview = sys.stderr.isatty() and sys.stdout.isatty() and colour_depth() != "none"
    previewed = preview and not as_json
    path, made = _write(plan, destination, zoo, again, previewed)
    assert made.record is not None  # with no pictures, writing has raised
    first, last = made.record.pictures or (0, plan.count)
    if made.interrupt is not None:
        message(f"interrupted: kept {last - first} of {plan.count}")
        click.echo(os.fsencode(path))
        raise made.interrupt
    if previewed:
        from genzoo.run.make import join

        _show_preview(join(made.first))
    seconds = round(time.monotonic() - begin, 3)
    seeds = tuple(plan.seeds[first:last]) if as_json else ()
    print_result(made.record, path, as_json, seeds=seeds, seconds=seconds)


def _write(
    plan: Plan, destination: Destination, zoo: Zoo, again: Replay | None, preview: bool
) -> tuple[Path, Batches]:
    from genzoo.run.compare import verify
    from genzoo.run.make import check_memory, make_batches
    from genzoo.run.outputs.layout import check_grid

    if destination.format in ("png", "gif"):
        check_grid(plan)
    elif destination.format == "plugin":
        check_memory(plan)
    for note in plan.notes:
        message(note)
    message(f"{plan.opened.name}: {plan.task.summary(plan.seeds)}")
    frames = destination.format in ("gif", "plugin")
    with progress(plan.opened.name) as update, stdout_to_stderr():
        batches = make_batches(
            plan, zoo, keep_frames=frames, on_progress=update, on_message=message
        )
        if again is not None:
            batches = verify(again, batches, message)
        with Batches(batches, preview=preview) as made:
            try:
                return write(destination, made, zoo), made
            except UsageError:
                if made.interrupt is not None:  # an animation may have no frame yet
                    raise made.interrupt from None
                raise
