"""Pictures side by side, as they are written and previewed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from genzoo.run.outputs.record import Layout
from genzoo.run.outputs.style import STYLE, Style
from genzoo.run.plan import picture_shape
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import UsageError
from genzoo_core.picture_files import MAX_PIXELS
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from torch import Tensor

GAP = 2
"""Pixels between two pictures."""
PAIRS = 16
"""Most inputs in a row above their reconstructions."""
SIDE = 512
"""About how many pixels the longer side of what is enlarged has, so that a person sees it."""
WIDEST = 3
"""Most columns of a grid for one of its rows, where nobody says how many."""
LONGEST_SIDE = {"gif": 65_535, "jpeg": 65_500, "webp": 16_383}
"""Most pixels of a side that a format holds."""


@dataclass(frozen=True)
class Tiles:
    """What is laid out.

    Attributes:
        count: Number of pictures.
        size: Height and width of each.
        row: How many belong side by side, or None.
        paired: Whether each is below an input.
        walks: Number of walks that they are steps of; 0 where they are none.
    """

    count: int
    size: tuple[int, int]
    row: int | None
    paired: bool
    walks: int

    @classmethod
    def of(cls, pictures: Pictures) -> Tiles:
        """Of pictures that were made."""
        count, _, height, width = pictures.images.shape
        walks = task_of(pictures.record).walks
        paired = pictures.inputs is not None
        return cls(count, (height, width), pictures.columns, paired, walks)

    @classmethod
    def planned(cls, plan: Plan) -> Tiles:
        """Of pictures that will be made."""
        first, last = plan.record.pictures or (0, plan.count)
        _, height, width = picture_shape(plan.opened, plan.options)
        row = min(plan.record.n, last - first) if plan.task.in_rows else None
        paired = plan.task.above(plan) is not None
        return cls(last - first, (height, width), row, paired, plan.task.walks)

    def layout(self, style: Style, *, animated: bool = False) -> Layout:
        """How they lie in a file of this style."""
        like = style.like or Layout(self._columns(), GAP)
        columns, walks = like.columns, like.walks
        if style.columns and animated and self.walks:
            walks = style.columns
        elif style.columns:
            columns = style.columns
        columns, walks = min(columns, self.count), min(walks, max(1, self.walks))
        layout = Layout(columns, like.gap, walks=walks)
        return replace(layout, scale=style.scale or self._scale(layout, animated))

    def pixels(self, layout: Layout, *, animated: bool = False) -> tuple[int, int]:
        """Height and width of the whole."""
        count, columns = self.count, layout.columns
        if animated and self.walks:
            count, columns = self.walks, layout.walks
        rows = math.ceil(count / columns) * (2 if self.paired else 1)
        height, width = (
            number * (side + layout.gap) - layout.gap
            for number, side in zip((rows, columns), self.size, strict=True)
        )
        return height * layout.scale, width * layout.scale

    def _columns(self) -> int:
        """Those that belong side by side, or as few holes as a grid can have that is no strip."""
        if self.paired:
            return math.ceil(self.count / math.ceil(self.count / PAIRS))
        if self.row:
            return self.row
        count, least = self.count, math.ceil(math.sqrt(self.count))
        if count <= WIDEST:
            return count
        grids = ((columns, math.ceil(count / columns)) for columns in range(least, 2 * least + 1))
        return min((c * r - count, c) for c, r in grids if c <= WIDEST * r)[1]

    def _scale(self, layout: Layout, animated: bool) -> int:
        """What brings the longer side to about `SIDE`; a picture that is alone keeps its size."""
        if self.count == 1 and not self.paired and not animated:
            return 1
        return max(1, round(SIDE / max(self.pixels(layout, animated=animated))))


def lay_out(pictures: Pictures, layout: Layout | None = None) -> Tensor:
    """One uint8 image `[C, H, W]` of all pictures, in their true size.

    Inputs are in rows above their reconstructions.
    """
    layout = layout or Tiles.of(pictures).layout(STYLE)
    return _side_by_side(pictures, pictures.images, layout)


def frames_of(pictures: Pictures, layout: Layout) -> tuple[list[Tensor], bool] | None:
    """The images of an animation, as of `lay_out`, and whether they are a walk.

    None where the pictures were made in one step, and are no walk.
    """
    from genzoo_core.images import grid, to_uint8

    walk = task_of(pictures.record).steps(pictures)
    if walk is not None:
        return [grid(to_uint8(step), layout.walks, layout.gap) for step in walk], True
    if not pictures.frames:
        return None
    every = (*pictures.frames, pictures.images)
    return [_side_by_side(pictures, images, layout) for images in every], False


def enlarge(image: Tensor, scale: int) -> Tensor:
    """An image `[C, H, W]` of which each pixel becomes a square of `scale` by `scale`."""
    return image.repeat_interleave(scale, 1).repeat_interleave(scale, 2) if scale > 1 else image


def _side_by_side(pictures: Pictures, images: Tensor, layout: Layout) -> Tensor:
    from genzoo_core.images import grid, to_uint8

    if pictures.inputs is not None:
        images = _interleave(pictures.inputs, images, layout.columns)
    return grid(to_uint8(images), layout.columns, layout.gap)


def _interleave(above: Tensor, below: Tensor, columns: int) -> Tensor:
    """Rows of the one and of the other in turn; the last are filled up with white."""
    import torch

    missing = -len(above) % columns
    white = above.new_ones(missing, *above.shape[1:])
    rows = (-1, columns, *above.shape[1:])
    pair = [torch.cat([images, white]).reshape(rows) for images in (above, below)]
    return torch.stack(pair, 1).flatten(0, 2)


def check_grid(plan: Plan, style: Style, format_: str) -> None:
    """Check that the pictures fit into one of this format that genzoo itself would read again."""
    tiles, animated = Tiles.planned(plan), format_ == "gif"
    layout = tiles.layout(style, animated=animated)
    height, width = tiles.pixels(layout, animated=animated)
    # All pictures of an animation are in memory, also those of a walk, which come one by one.
    drawn = tiles.count * (tiles.size[0] + GAP) * (tiles.size[1] + GAP)
    folder = "write to a folder: -o pictures/"
    if drawn > MAX_PIXELS:
        raise UsageError(f"{plan.count:,} pictures are too many for one", folder)
    most = LONGEST_SIDE.get(format_, MAX_PIXELS)
    if height * width > MAX_PIXELS or max(height, width) > most:
        raise UsageError(
            f"{width:,} × {height:,} pixels are too many for one {format_}",
            "enlarge them less, with --scale" if layout.scale > 1 else folder,
        )
