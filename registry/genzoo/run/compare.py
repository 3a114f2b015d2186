"""Pictures that are made again, compared with the pixels of their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.make import at_once
from genzoo.run.outputs.layout import Tiles, enlarge, lay_out
from genzoo.run.outputs.reading import Stored
from genzoo.run.outputs.record import Layout
from genzoo.run.plan import picture_shape
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import ReplayError
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from genzoo.run.outputs.destination import Destination
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
        tiles = Tiles.planned(plan)
        channels, height, width = picture_shape(plan.opened, plan.options)
        size = tiles.pixels(self.layout) if self.layout else (height, width)
        shapes = [(*size, 3), size][: 2 if channels == 1 else 1]  # a grey one may have three equal
        if stored not in ([(tiles.count, height, width, channels)] if len(stored) == 4 else shapes):
            raise self.other_pixels()

    def like(self, destination: Destination) -> Destination:
        """A destination with the layout of the file that is replayed, where it says nothing else.

        An animation is enlarged in its own way, not as a grid is.
        """
        if self.layout is None:
            return destination
        style = replace(destination.style, like=self.layout)
        same_kind = (self.pixels is None) == (destination.format == "gif")
        if style.scale is None and same_kind:
            style = replace(style, scale=self.layout.scale)
        return replace(destination, style=style)

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
    path, found = replay.path, _Difference(replay)
    if replay.pixels is None or (read := replay.pixels.read) is None:
        yield from batches
        alike = "" if replay.pixels is None else ", of the same size"
        kind = path.suffix or "the file"
        on_message(f"made again{alike}; {kind} does not keep exact pixels to compare")
        return
    if len(replay.pixels.shape) == 4:
        for pictures in batches:
            now = _apart(pictures)
            found.add(now, read(len(now)))
            yield pictures
    else:

        def compare(made: Pictures) -> None:
            before = read(1)  # which refuses more pixels than a picture may have
            found.add(_as_one(replay, made), before)

        yield from at_once(batches, compare)
    on_message(found.summary())


def _apart(pictures: Pictures) -> Pixels:
    """The pixels of each picture, `[N, H, W, C]`."""
    from genzoo_core.images import to_uint8

    return to_uint8(pictures.images).permute(0, 2, 3, 1).numpy()


def _as_one(replay: Replay, pictures: Pictures) -> Pixels:
    """The pixels of a whole grid, or of a picture that is alone, as they lie in the file."""
    import numpy as np

    assert replay.pixels is not None
    layout, shape = replay.layout, replay.pixels.shape
    if layout is None:
        now = _apart(pictures)[0]
    else:
        image = enlarge(lay_out(pictures, layout), layout.scale)
        now = image.permute(1, 2, 0).numpy()
    return now[..., 0] if len(shape) == 2 else np.broadcast_to(now, shape)


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
