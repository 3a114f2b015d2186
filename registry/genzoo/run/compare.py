"""Pictures that are made again, compared with the pixels of their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.make import at_once
from genzoo.run.outputs.layout import grid_size, lay_out
from genzoo.run.outputs.reading import Stored
from genzoo.run.outputs.record import Layout
from genzoo.run.plan import picture_shape
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import ReplayError
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from genzoo.run.outputs.reading import Pixels

ROUNDING = 2
"""Levels of 255 by which pixels may differ on another machine."""


@dataclass(frozen=True)
class Replay:
    """A run to be repeated, with the pixels of its file and their layout, as `read` gives them.

    `notes` are messages for the user: other versions, another device.
    """

    path: Path
    pixels: Stored | None
    layout: Layout | None
    plan: Plan
    notes: tuple[str, ...]

    def check_shape(self) -> None:
        """Check that the pixels, which are not read yet, have the shape that the record says."""
        if self.pixels is None:
            return
        plan, stored = self.plan, self.pixels.shape
        channels, height, width = picture_shape(plan.opened, plan.options)
        first, last = plan.record.pictures or (0, plan.count)
        size = grid_size(plan) if self.layout else (height, width)
        shape = size if channels == 1 else (*size, channels)
        if stored != ((last - first, height, width, channels) if len(stored) == 4 else shape):
            raise self.other_pixels()

    def other_pixels(self) -> ReplayError:
        """The error where the pixels are not those that the record makes."""
        reason = "; ".join(self.notes) or "it was changed after it was made"
        precision = self.plan.record.precision
        if precision != "fp32":
            reason += f", or made on a machine that rounds {precision} in another way"
        return ReplayError(f"what {self.path} shows is not what its record makes", reason)


def verify(
    replay: Replay, batches: Iterable[Pictures], on_message: Callable[[str], None]
) -> Iterator[Pictures]:
    """The batches, compared with the pixels of the file that is replayed as they pass.

    `on_message` is called at the end with the result, in one line.

    Raises:
        ReplayError: They differ by more than rounding.
    """
    from genzoo_core.images import to_uint8

    path, stored, found = replay.path, replay.pixels, _Difference(replay)
    if stored is None:
        yield from batches
        on_message(f"made again; {path.suffix or 'the file'} does not keep exact pixels to compare")
        return
    if len(stored.shape) == 4:
        for pictures in batches:
            now = to_uint8(pictures.images).permute(0, 2, 3, 1).numpy()
            found.add(now, stored.read(len(now)))
            yield pictures
    else:
        # Of a whole grid, or of one picture.
        show = lay_out if replay.layout else lambda pictures: to_uint8(pictures.images[0])
        yield from at_once(
            batches,
            lambda pictures: found.add(
                show(pictures).permute(1, 2, 0).numpy().reshape(stored.shape), stored.read(1)
            ),
        )
    on_message(found.summary())


@dataclass
class _Difference:
    """How far pixels are from those of before."""

    replay: Replay
    apart: int = 0
    of: int = 0
    most: int = 0

    def add(self, now: Pixels, before: Pixels) -> None:
        import numpy as np

        apart = np.abs(now.astype(np.int16) - before.astype(np.int16))
        self.apart += int(np.count_nonzero(apart))
        self.of += apart.size
        self.most = max(self.most, int(apart.max()))
        if self.most > ROUNDING:
            raise self.replay.other_pixels()

    def summary(self) -> str:
        if not self.apart:
            return f"the same pixels as {self.replay.path}"
        return (
            f"the same as {self.replay.path} but for rounding: {self.apart} of "
            f"{self.of} values differ by at most {self.most} of 255"
        )
