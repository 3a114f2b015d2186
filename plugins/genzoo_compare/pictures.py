"""The pictures of a comparison, kind by kind, so that models stand side by side."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_compare.comparison import Comparison, Gallery, Row
from genzoo_compare.families import css_name, look
from genzoo_core.images import grid, to_pil

GAP = 2
"""Pixels between two pictures, through which the page is seen."""


@dataclass(frozen=True)
class Sheet:
    """Several pictures in one image.

    Attributes:
        uri: A PNG as a data URI.
        width: In pixels.
        height: In pixels.
        alt: Its content, in words.
    """

    uri: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Frame:
    """Pictures of one model.

    Attributes:
        name: The model's.
        family: The title of its family; "" for real pictures.
        css: The family's class.
        sheets: The pictures, each sheet with its label, or "" for one that needs none.
    """

    name: str
    family: str
    css: str
    sheets: tuple[tuple[str, Sheet], ...]


@dataclass(frozen=True)
class Wall:
    """Pictures of one kind of all models that have some.

    Attributes:
        id: Of the part of the page.
        title: Of the kind.
        text: How to read them.
        frames: A frame for each model.
        wide: Whether a frame needs the room of two.
    """

    id: str
    title: str
    text: str
    frames: tuple[Frame, ...]
    wide: bool = False


def sheet(images: Tensor, columns: int, alt: str) -> Sheet:
    """Pictures side by side.

    Args:
        images: uint8 `[N, C, H, W]`, C being 1 or 3.
        columns: Pictures in a row.
        alt: Their content.
    """
    pixels = grid(images, columns, GAP)
    # The grid is 255 wherever there is no picture.
    opaque = 255 - grid(torch.zeros_like(images[:, :1]), columns, GAP)
    out = io.BytesIO()
    to_pil(torch.cat([pixels, opaque])).save(out, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    return Sheet(uri, pixels.shape[2], pixels.shape[1], alt)


def above(first: Tensor, second: Tensor, alt: str) -> Sheet:
    """Two rows of pictures, the second below the first; as many of each as both have."""
    n = min(len(first), len(second))
    return sheet(torch.cat([first[:n], second[:n]]), n, alt)


def first_samples(row: Row, n: int = 8) -> Sheet | None:
    """The first of a model's pictures in one row."""
    if row.gallery is None or not len(row.gallery.samples):
        return None
    images = row.gallery.samples[:n]
    return sheet(images, len(images), f"{len(images)} pictures that {row.name} made")


def walls(comparison: Comparison) -> tuple[Wall, ...]:
    """The kinds of pictures that there are."""
    pairs = [(row, row.gallery) for row in comparison.rows if row.gallery is not None]

    def frames(draw: Callable[[Row, Gallery], Sheet | None]) -> tuple[Frame, ...]:
        drawn = ((row, draw(row, gallery)) for row, gallery in pairs)
        return tuple(_frame(row, ("", made)) for row, made in drawn if made is not None)

    found = (
        Wall(
            "samples",
            "Without a prompt",
            "Not picked: seeds 0, 1, 2 and so on. Real test images come first.",
            (*_real(comparison), *frames(_samples)) if pairs else (),
        ),
        _prompted(comparison, pairs),
        Wall(
            "reconstructions",
            "Reconstructed",
            "Test images above, and below what is left of them after encoding and decoding. "
            "Models that cannot encode are not shown.",
            frames(_copies),
            wide=True,
        ),
        Wall(
            "walks",
            "From one picture to another",
            "The noise of one seed turns into that of another, in even steps.",
            frames(_walk),
            wide=True,
        ),
        Wall(
            "neighbours",
            "Beside the nearest training images",
            "Generated pictures above, and below each the training image that is nearest to it in "
            "a feature net: equal pairs would mean that the model remembers.",
            frames(_neighbours),
            wide=True,
        ),
    )
    return tuple(wall for wall in found if wall.frames)


def _prompted(comparison: Comparison, pairs: list[tuple[Row, Gallery]]) -> Wall:
    frames = tuple(
        _frame(
            row,
            *(
                (name, sheet(images, len(images), f"{row.name}, asked for {name}"))
                for name, images in gallery.prompted
            ),
        )
        for row, gallery in pairs
        if gallery.prompted
    )
    if comparison.captioned is None:
        text = "A row for each class, ten pictures each."
        return Wall("classes", "Asked for a class", text, frames)
    text = (
        "A row for each caption, ten pictures each. Not picked: the first half are captions of the "
        "training images, the others no training image has. Real images of them come first."
    )
    n = len(comparison.captioned)
    real = sheet(comparison.captioned, n, f"A real image of each of {n} captions")
    first = (Frame("real images", "", "real", (("", real),)),) if frames else ()
    return Wall("classes", "Asked in words", text, (*first, *frames))


def _real(comparison: Comparison) -> tuple[Frame, ...]:
    if comparison.real is None:
        return ()
    n = len(comparison.real)
    drawn = sheet(comparison.real, _side(n), f"{n} real test images of {comparison.dataset}")
    return (Frame("test images", "", "real", (("", drawn),)),)


def _frame(row: Row, *sheets: tuple[str, Sheet]) -> Frame:
    return Frame(row.name, look(row.family).title, css_name(row.family), sheets)


def _side(n: int) -> int:
    return max(1, round(math.sqrt(n)))


def _samples(row: Row, gallery: Gallery) -> Sheet:
    n = len(gallery.samples)
    return sheet(gallery.samples, _side(n), f"{n} pictures that {row.name} made without a prompt")


def _copies(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.originals is None or gallery.copies is None:
        return None
    alt = f"Test images above what {row.name} makes of them by encoding and decoding"
    return above(gallery.originals, gallery.copies, alt)


def _walk(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.walk is None:
        return None
    alt = f"A walk from one picture of {row.name} to another in {len(gallery.walk)} steps"
    return sheet(gallery.walk, len(gallery.walk), alt)


def _neighbours(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.neighbours is None:
        return None
    alt = f"Pictures of {row.name} above the training images that are nearest to them"
    return above(gallery.samples, gallery.neighbours, alt)
