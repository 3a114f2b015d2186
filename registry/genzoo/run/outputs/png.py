"""PNG: one picture, or a grid of them, with its record in a text chunk."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from genzoo.run.outputs.layout import lay_out, layout_of
from genzoo.run.outputs.record import KEY, encode
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor


def grid_png(pictures: Pictures) -> bytes:
    """All pictures in one PNG."""
    return _png(lay_out(pictures), encode(pictures.record, layout_of(pictures)))


def picture_png(image: Tensor, record: Record) -> bytes:
    """One picture, float `[C, H, W]` in [-1, 1], with a record that makes it alone."""
    return _png(image, encode(record))


def _png(image: Tensor, text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    from genzoo_core.images import to_pil

    info = PngInfo()
    info.add_itxt(KEY, text)
    out = io.BytesIO()
    to_pil(image).save(out, "PNG", pnginfo=info)
    return out.getvalue()
