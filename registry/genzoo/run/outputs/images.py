"""PNG and GIF, each with its record: a grid, a folder of single pictures, an animation."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.outputs.layout import GAP, lay_out, layout_of
from genzoo.run.outputs.record import KEY, encode
from genzoo.run.tasks import task_of
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor

FRAME = 80
"""Milliseconds that a frame is shown."""
REST = 1600
"""Milliseconds that the result is shown."""


def grid_png(pictures: Pictures) -> bytes:
    """All pictures in one PNG, with the record in a text chunk."""
    return _png(lay_out(pictures), encode(pictures.record, layout_of(pictures)))


def picture_png(image: Tensor, record: Record) -> bytes:
    """One picture, `[C, H, W]`, in a PNG with the record that makes it."""
    return _png(image, encode(record))


def _png(image: Tensor, text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    from genzoo_core.images import to_pil

    info = PngInfo()
    info.add_itxt(KEY, text)
    out = io.BytesIO()
    to_pil(image).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def single_pngs(pictures: Pictures) -> Iterator[tuple[int, bytes]]:
    """Each picture in a PNG, with its index in the run and a record that makes it alone."""
    record = pictures.record
    first, _ = record.pictures or (0, 0)
    for index, image in enumerate(pictures.images, first):
        own = msgspec.structs.replace(record, pictures=(index, index + 1))
        yield index, picture_png(image, own)


def fill_folder(folder: Path, pictures: Pictures) -> None:
    """Write the pictures as 0000.png, 0001.png, …"""
    record = pictures.record
    width = max(4, len(str(task_of(record).rows * record.n - 1)))
    for index, png in single_pngs(pictures):
        (folder / f"{index:0{width}d}.png").write_bytes(png)


def animation_gif(pictures: Pictures) -> bytes:
    """The pictures on their way from noise, or a walk and back, for ever.

    Raises:
        UsageError: The model makes its pictures in one step, and they are no walk.
    """
    from genzoo_core.images import grid, to_pil, to_uint8

    record = pictures.record
    walk = task_of(record).steps(pictures)
    if walk is not None:
        there = [grid(to_uint8(step), columns=1, gap=GAP) for step in walk]
        frames = there + there[-2:0:-1]
        durations = [FRAME] * len(frames)
    elif pictures.frames:
        frames = [lay_out(pictures, frame) for frame in (*pictures.frames, pictures.images)]
        durations = [FRAME] * (len(frames) - 1) + [REST]
    else:
        walk_hint = "" if record.latents else ", or animate a walk: --interpolate 0,1"
        raise UsageError(
            f"{record.model} makes these pictures in one step: there is nothing to animate",
            f"write a .png{walk_hint}",
        )
    first, *others = map(to_pil, frames)
    out = io.BytesIO()
    first.save(
        out,
        "GIF",
        save_all=True,
        append_images=others,
        duration=durations,
        loop=0,
        comment=encode(record, layout_of(pictures)).encode(),
    )
    return out.getvalue()
