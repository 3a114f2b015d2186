"""Picture files, each with its record: a grid, a folder of single pictures, an animation."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from genzoo.run.outputs import tags
from genzoo.run.outputs.layout import GAP, Tiles, enlarge, frames_of, lay_out
from genzoo.run.outputs.record import EXIF, KEY, MAKER_NOTE, USER_COMMENT, Layout, encode
from genzoo.run.outputs.style import STYLE, Style
from genzoo.run.plan import picture_shape
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo
    from torch import Tensor

FRAME = 80
"""Milliseconds that a frame is shown."""
REST = 1600
"""Milliseconds that the result is shown."""
HOW: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True},  # smaller than a PNG
}
"""How pixels are written in formats that may lose something."""

MOST_EXIF = 65_000
"""Most bytes of the EXIF data of a JPEG, which are in one segment."""


def grid_file(pictures: Pictures, format_: str, style: Style = STYLE) -> bytes:
    """All pictures in one file, with their record: a "png", "jpeg", "webp" or "gif".

    Raises:
        UsageError: A GIF would have nothing that moves, or a JPEG has no room for the record.
    """
    layout = Tiles.of(pictures).layout(style, animated=format_ == "gif")
    if format_ == "gif":
        return _animation(pictures, layout)
    image = enlarge(lay_out(pictures, layout), layout.scale)
    size = tuple(pictures.images.shape[2:])
    return _file(image, format_, _Carried.of(pictures.record, layout, size, style))


def grid_png(pictures: Pictures, style: Style = STYLE) -> bytes:
    """All pictures in one PNG, with the record in a text chunk."""
    return grid_file(pictures, "png", style)


def picture_png(image: Tensor, record: Record, style: Style = STYLE) -> bytes:
    """One picture, `[C, H, W]`, in a PNG with the record that makes it."""
    return _file(image, "png", _Carried.of(record, None, tuple(image.shape[1:]), style))


class _Carried(NamedTuple):
    """What a picture says of itself: the record, and to other programs, where that is wanted."""

    record: str
    parameters: str
    xmp: str

    @classmethod
    def of(
        cls, record: Record, layout: Layout | None, size: tuple[int, ...], style: Style
    ) -> _Carried:
        parameters = tags.parameters(record, size) if style.parameters else ""
        return cls(encode(record, layout), parameters, tags.xmp(record) if style.xmp else "")

    def chunks(self) -> PngInfo:
        """As text chunks of a PNG."""
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt(KEY, self.record)
        if self.parameters:
            info.add_text(tags.PARAMETERS, self.parameters)
        if self.xmp:
            info.add_itxt(tags.XMP, self.xmp)
        return info

    def exif(self) -> bytes:
        """As EXIF data, with the record as what the maker notes."""
        from PIL.Image import Exif

        exif = Exif()
        notes = exif.get_ifd(EXIF)
        notes[MAKER_NOTE] = self.record.encode()
        if self.parameters:
            notes[USER_COMMENT] = b"UNICODE\0" + self.parameters.encode("utf-16-be")
        return exif.tobytes()


def _file(image: Tensor, format_: str, carried: _Carried) -> bytes:
    from genzoo_core.images import to_pil

    how: dict[str, Any]
    if format_ == "png":
        how = {"pnginfo": carried.chunks()}
    else:
        how = HOW[format_] | {"exif": carried.exif()}
        if carried.xmp:
            how["xmp"] = carried.xmp.encode()
        if format_ == "jpeg":
            _check_room(how["exif"])
    out = io.BytesIO()
    to_pil(image).save(out, format_, **how)
    return out.getvalue()


def check_room(plan: Plan, style: Style) -> None:
    """Check that what a JPEG carries fits into it."""
    size = picture_shape(plan.opened, plan.options)[1:]
    _check_room(_Carried.of(plan.record, Layout(1, GAP), size, style).exif())


def _check_room(exif: bytes) -> None:
    if len(exif) > MOST_EXIF:
        says = (
            f"{len(exif):,} bytes say how these pictures are made, and a .jpg holds {MOST_EXIF:,}"
        )
        raise UsageError(says, "write a .png or .webp")


def single_pngs(pictures: Pictures, style: Style = STYLE) -> Iterator[tuple[int, bytes]]:
    """Each picture in a PNG, with its index in the run and a record that makes it alone."""
    record = pictures.record
    first, _ = record.pictures or (0, 0)
    for index, image in enumerate(pictures.images, first):
        own = msgspec.structs.replace(record, pictures=(index, index + 1))
        yield index, picture_png(image, own, style)


def fill_folder(folder: Path, pictures: Pictures, style: Style = STYLE) -> None:
    """Write the pictures as 0000.png, 0001.png, …"""
    for index, png in single_pngs(pictures, style):
        (folder / file_name(pictures.record, index)).write_bytes(png)


def file_name(record: Record, index: int) -> str:
    """The name of a picture in a folder, by its number in the run."""
    width = max(4, len(str(task_of(record).rows * record.n - 1)))
    return f"{index:0{width}d}.png"


def _animation(pictures: Pictures, layout: Layout) -> bytes:
    """The pictures on their way from noise, or a walk and back, for ever."""
    from genzoo_core.images import to_pil

    record = pictures.record
    found = frames_of(pictures, layout)
    if found is None:
        walk_hint = "" if record.latents else ", or animate a walk: --interpolate 0,1"
        raise UsageError(
            f"{record.model} makes these pictures in one step: there is nothing to animate",
            f"write a .png{walk_hint}",
        )
    frames, walk = found
    durations = [FRAME] * (len(frames) - 1) + [REST]
    if walk:
        frames += frames[-2:0:-1]
        durations = [FRAME] * len(frames)
    first, *others = (to_pil(enlarge(frame, layout.scale)) for frame in frames)
    out = io.BytesIO()
    first.save(
        out,
        "GIF",
        save_all=True,
        append_images=others,
        duration=durations,
        loop=0,
        comment=encode(record, layout).encode(),
    )
    return out.getvalue()
