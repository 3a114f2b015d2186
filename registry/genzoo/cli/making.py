"""Carrying out a plan, whose pictures are written as they come, and what is printed of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.options import check_style, style_from
from genzoo.cli.progress import progress
from genzoo.cli.settings import output_folder
from genzoo.plugins.guard import stdout_to_stderr
from genzoo.run.outputs.destination import IN_ONE, STDOUT, Destination, choose, files_in, write
from genzoo.text import shown_path
from genzoo_core.errors import UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.request import Record

if TYPE_CHECKING:
    from genzoo.run.compare import Replay
    from genzoo.run.outputs.style import Style
    from genzoo.run.tasks.task import Plan
    from genzoo.zoo import Zoo
    from genzoo_core.pictures import Pictures

PREVIEWED = 64
"""Pictures in a preview, or those of the first batch where it has more."""


def print_result(record: Record, path: Path | bytes, as_json: bool, **figures: Any) -> None:
    """The path on stdout, or a JSON object that holds it, the record and `figures`.

    In the place of a path there may be what goes to stdout itself.
    """
    if isinstance(path, bytes):
        sys.stdout.buffer.write(path)
        sys.stdout.buffer.flush()
        return
    if not as_json:
        click.echo(os.fsencode(path))  # a name need not be text
        return
    import msgspec

    result = {"path": shown_path(path), **figures, "record": record}
    # As ASCII: a record may hold a stranger's words.
    click.echo(json.dumps(json.loads(msgspec.json.encode(result))))


def destination_of(
    ctx: click.Context, output: str | None, *, force: bool, as_json: bool
) -> Destination:
    """What `-o` and the options for how pictures are written mean, checked.

    Raises:
        UsageError: They do not go together, the output cannot be written, or stdout is a terminal.
    """
    zoo: Zoo = ctx.obj
    if output == STDOUT and as_json:
        raise UsageError("-o - and --json both write to stdout", "leave out one of them")
    if output == STDOUT and sys.stdout.isatty():
        hint = "redirect it, as in `> x.png`, or give a file: -o x.png"
        raise UsageError("-o - writes a PNG, and stdout is a terminal", hint)
    unnamed = output_folder(ctx) if output is None else Path()
    found = choose(
        output, force=force, catalogue=zoo.catalogue, style=style_from(ctx), unnamed=unnamed
    )
    if found.format not in IN_ONE:
        check_style(ctx, "a folder" if found.format == "folder" else str(found.path))
    return found


def _show_preview(pictures: Pictures, style: Style) -> None:
    from genzoo.run.outputs.layout import Tiles, lay_out
    from genzoo.run.outputs.preview import colour_depth, render

    columns, lines = shutil.get_terminal_size()
    image = lay_out(pictures, Tiles.of(pictures).layout(style))
    text = render(image, colour_depth(), columns, max(4, lines - 4))
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
    written, made = _write(plan, destination, zoo, again, previewed)
    assert made.record is not None  # with no pictures, writing has raised
    first, last = made.record.pictures or (0, plan.count)
    seconds = round(time.monotonic() - begin, 3)
    if made.interrupt is not None:
        made.interrupt.add_note(f"kept {last - first} of {plan.count}")
        print_result(made.record, written, as_json=False)
        raise made.interrupt
    if previewed:
        from genzoo.run.make import join

        _show_preview(join(made.first), destination.style)
    if isinstance(written, Path):
        tell_hooks(zoo, made.record, files_in(written, made.record), seconds)
    seeds = tuple(plan.seeds[first:last]) if as_json else ()
    print_result(made.record, written, as_json, seeds=seeds, seconds=seconds)


def tell_hooks(zoo: Zoo, record: Record, paths: Iterable[Path], seconds: float) -> None:
    """Call the hook `genzoo_after_write`, unless nothing was written."""
    name = "genzoo_after_write"
    if zoo.catalogue.has_hook(name) and (written := list(paths)):
        zoo.call_hook(name, request=record, paths=written, seconds=seconds)


def _write(
    plan: Plan, destination: Destination, zoo: Zoo, again: Replay | None, preview: bool
) -> tuple[Path | bytes, Batches]:
    from genzoo.run.compare import verify
    from genzoo.run.make import check_memory, join, make_batches
    from genzoo.run.outputs.images import check_room, grid_png
    from genzoo.run.outputs.layout import check_grid

    if destination.format in IN_ONE:
        check_grid(plan, destination.style, destination.format)
    elif destination.format == "plugin":
        check_memory(plan)
    if destination.format == "jpeg":
        check_room(plan, destination.style)
    for note in plan.notes:
        to_stderr(note)
    to_stderr(f"{plan.opened.name}: {plan.task.summary(plan.seeds)}")
    frames = destination.format in ("gif", "plugin")
    with progress(plan.opened.name) as update, stdout_to_stderr():
        batches = make_batches(
            plan, zoo, keep_frames=frames, on_progress=update, on_message=to_stderr
        )
        if again is not None:
            batches = verify(again, batches, to_stderr)
        with Batches(batches, preview=preview) as made:
            try:
                if destination.stdout:
                    return grid_png(join(list(made)), destination.style), made
                return write(destination, made, zoo), made
            except UsageError:
                if made.interrupt is not None:  # an animation may have no frame yet
                    raise made.interrupt from None
                raise
