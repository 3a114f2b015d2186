"""The batches of a run on their way to where they are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genzoo.cli.signals import Finishing
from genzoo_core.request import Record

if TYPE_CHECKING:
    from genzoo_core.pictures import Pictures

SHOWN = 64
"""Pictures of which a preview is shown, or those of the first batch where it has more."""


class Passing:
    """Batches of pictures, between which alone Ctrl-C and SIGTERM act: they end the iteration.

    Args:
        batches: What is made.
        signals: Put off, so that what was made is written.
        preview: Whether to keep the first ones.

    Attributes:
        record: Of what has passed; None where nothing has.
        first: Those for a preview.
        interrupt: What ended them too early, or None. With nothing made it is raised.
    """

    def __init__(self, batches: Iterator[Pictures], signals: Finishing, *, preview: bool) -> None:
        self._batches, self._signals, self._preview = batches, signals, preview
        self.record: Record | None = None
        self.first: list[Pictures] = []
        self.interrupt: KeyboardInterrupt | None = None

    def __iter__(self) -> Iterator[Pictures]:
        from genzoo.run.make import spanning

        try:
            while True:
                with self._signals.interruptible():
                    pictures = next(self._batches, None)
                if pictures is None:
                    return
                self.record = spanning(self.record or pictures.record, pictures.record)
                if self._preview and sum(len(each.images) for each in self.first) < SHOWN:
                    self.first.append(pictures)
                yield pictures
        except KeyboardInterrupt as interrupt:
            if self.record is None:
                raise
            self.interrupt = interrupt
