"""The comparison as one picture, for a README: what each model makes, and how close that is."""

from __future__ import annotations

import io
import math
import textwrap
import unicodedata

import torch
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.families import OTHER, look
from genzoo_compare.terminal import cut
from genzoo_compare.verdicts import over_floor, times
from genzoo_core.errors import UsageError
from genzoo_core.images import grid, to_pil
from genzoo_core.text import printable

COLUMNS = 10
"""Pictures in a block: without a prompt at the left, and one for each of the first classes."""

SCALE, GAP, BLOCK_GAP, ROW_GAP, MARGIN = 2, 4, 28, 14, 20
"""In pixels, but for the first: how many each pixel of a picture becomes in either direction."""

FOOT = 20
"""Height of a line at the foot."""

LABEL = 250
"""Width of a model's name and figures."""

PAPER, INK, FAINT = "#ffffff", "#1a1a1a", OTHER.light


def as_png(comparison: Comparison) -> bytes:
    """A PNG with a line for each model: its name, its distance and speed, and its pictures.

    Raises:
        UsageError: No model made pictures.
    """
    lines = [(row, row.gallery) for row in comparison.rows if row.gallery is not None]
    if not lines:
        raise UsageError("there are no pictures to show", "compare models that make some")
    height, width = (SCALE * size for size in lines[0][1].samples.shape[-2:])
    block = COLUMNS * (width + GAP) - GAP
    step = max(height, 58) + ROW_GAP
    top = MARGIN + 34
    wide = 2 * MARGIN + LABEL + 2 * block + BLOCK_GAP
    feet = _feet(comparison, wide - 2 * MARGIN)
    size = (wide, top + step * (len(lines) + 1) + MARGIN + FOOT * len(feet) + 4)
    canvas = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(canvas)
    left, right = MARGIN + LABEL, MARGIN + LABEL + block + BLOCK_GAP
    draw.text((left, MARGIN), "without a prompt, not picked", FAINT, font(17))
    words = comparison.captioned is not None
    prompts = "captions, of which the last five were held out" if words else "one of each class"
    draw.text((right, MARGIN), f"asked for: {prompts}", FAINT, font(17))
    if comparison.real is not None:
        _label(draw, top, "test images", (), FAINT)
        _paste(canvas, comparison.real, left, top)
    if comparison.captioned is not None:
        _paste(canvas, comparison.captioned, right, top)
    for index, (row, gallery) in enumerate(lines, 1):
        y = top + index * step
        _label(draw, y, row.name, _figures(comparison, row), look(row.family).light)
        _paste(canvas, gallery.samples, left, y)
        if gallery.prompted:
            firsts = torch.cat([images[:1] for _, images in gallery.prompted])
            _paste(canvas, firsts, right, y)
        else:
            draw.text((right, y + height // 2 - 10), "takes no prompt", FAINT, font(17))
    for index, line in enumerate(reversed(feet)):
        draw.text((MARGIN, size[1] - MARGIN - 14 - FOOT * index), line, FAINT, font(14))
    about = PngInfo()
    about.add_itxt("Description", f"drawn by: {comparison.command}")
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True, pnginfo=about)
    return out.getvalue()


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow brings, `size` pixels high. It has no × and no é."""
    return ImageFont.load_default(size)


def _figures(comparison: Comparison, row: Row) -> tuple[str, str]:
    found = [over_floor(row.report, "fd", net) for net in comparison.net_names]
    distances = " and ".join(times(m.value).removesuffix("×") for m in found if m is not None)
    speed = row.report.figure("images_per_second")
    kind = cut(printable(look(row.family).title), 20)
    return (
        f"{kind}, {milliseconds(1000 / speed.value)}" if speed and speed.value > 0 else kind,
        f"FD: {distances} floors" if distances else "",
    )


def milliseconds(value: float) -> str:
    """Two digits of it, written out: "110 ms"."""
    digits = max(0, 1 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f} ms"


def _feet(comparison: Comparison, room: int) -> list[str]:
    """The lines below the pictures: the captions, and what the figures mean."""
    nets = " and ".join(comparison.short(net) for net in comparison.net_names)
    meaning = (
        f"FD: Frechet distance to the test images as seen by {nets}; one floor is that of as many "
        "training images. ms: time for one picture of a batch."
    )
    prompted = [row.gallery.prompted for row in comparison.rows if row.gallery]
    captions = next(filter(None, prompted), ())
    if comparison.captioned is None or not captions:
        return [meaning]
    names = ", ".join(plain(printable(name)) for name, _ in captions)
    # By the widest letter of the font, which leaves room.
    return [*textwrap.wrap(f"Asked for, from the left: {names}.", room // 8), meaning]


def plain(text: str) -> str:
    """Text in the letters that the font has: without marks."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c if c.isascii() else "?" for c in apart if not unicodedata.combining(c))


def _label(
    draw: ImageDraw.ImageDraw, y: int, name: str, figures: tuple[str, ...], colour: str
) -> None:
    draw.text((MARGIN, y - 3), cut(printable(name), 24), colour, font(19))
    for index, line in enumerate(figures):
        draw.text((MARGIN, y + 20 + 18 * index), line, INK, font(14))


def _paste(canvas: Image.Image, images: Tensor, x: int, y: int) -> None:
    large = images[:COLUMNS].repeat_interleave(SCALE, -1).repeat_interleave(SCALE, -2)
    canvas.paste(to_pil(grid(large, len(large), GAP)), (x, y))
