"""Pictures side by side, as they are written and previewed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genzoo.run.outputs.record import Layout
from genzoo.run.plan import picture_shape
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


def layout_of(pictures: Pictures) -> Layout:
    """How pictures lie in a grid."""
    return _layout(len(pictures.images), pictures.columns, pictures.inputs is not None)


def _layout(count: int, columns: int | None, paired: bool) -> Layout:
    columns = columns or math.ceil(math.sqrt(count))
    if paired:
        columns = math.ceil(count / math.ceil(count / PAIRS))
    return Layout(columns, GAP)


def grid_size(plan: Plan) -> tuple[int, int]:
    """(H, W) of the grid of all pictures that are planned."""
    first, last = plan.record.pictures or (0, plan.count)
    columns = min(plan.record.n, last - first) if plan.task.in_rows else None
    paired = plan.task.above(plan) is not None
    columns = _layout(last - first, columns, paired).columns
    rows = math.ceil((last - first) / columns) * (2 if paired else 1)
    _, height, width = picture_shape(plan.opened, plan.options)
    return rows * (height + GAP) - GAP, columns * (width + GAP) - GAP


def lay_out(pictures: Pictures, images: Tensor | None = None) -> Tensor:
    """One uint8 image `[C, H, W]` of all pictures; inputs are in rows above their reconstructions.

    `images`, `[N, C, H, W]`, are drawn in place of the final pictures: those on the way.
    """
    from genzoo_core.images import grid, to_uint8

    images = pictures.images if images is None else images
    columns = layout_of(pictures).columns
    if pictures.inputs is not None:
        images = _interleave(pictures.inputs, images, columns)
    return grid(to_uint8(images), columns, GAP)


def _interleave(above: Tensor, below: Tensor, columns: int) -> Tensor:
    """Rows of the one and of the other in turn; the last are filled up with white."""
    import torch

    missing = -len(above) % columns
    white = above.new_ones(missing, *above.shape[1:])
    rows = (-1, columns, *above.shape[1:])
    pair = [torch.cat([images, white]).reshape(rows) for images in (above, below)]
    return torch.stack(pair, 1).flatten(0, 2)


def check_grid(plan: Plan) -> None:
    """Check that the pictures fit into one that genzoo itself would read again."""
    _, height, width = picture_shape(plan.opened, plan.options)
    if plan.count * (height + GAP) * (width + GAP) > MAX_PIXELS:
        raise UsageError(
            f"{plan.count:,} pictures are too many for one", "write to a folder: -o pictures/"
        )
