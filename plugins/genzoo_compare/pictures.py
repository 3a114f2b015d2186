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
from genzoo_core.images import grid, to_pil

GAP = 2
"""Pixels between two pictures, through which the page is seen."""


@dataclass(frozen=True)
class Sheet:
    """Several pictures in one image."""

    uri: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Frame:
    """Pictures of one model.

    Attributes:
        sheets: The pictures, each sheet with its label, or "" for one that needs none.
    """

    name: str
    family: str
    sheets: tuple[tuple[str, Sheet], ...]


def sheet(images: Tensor, columns: int, alt: str) -> Sheet:
    """Pictures uint8 `[N, C, H, W]`, C being 1 or 3, side by side."""
    pixels = grid(images, columns, GAP)
    # The grid is 255 wherever there is no picture.
    opaque = 255 - grid(torch.zeros_like(images[:, :1]), columns, GAP)
    out = io.BytesIO()
    to_pil(torch.cat([pixels, opaque])).save(out, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    return Sheet(uri, pixels.shape[2], pixels.shape[1], alt)


def in_square(images: Tensor, alt: str) -> Sheet:
    """As many rows as columns, or about."""
    return sheet(images, max(1, round(math.sqrt(len(images)))), alt)


def in_row(images: Tensor | None, alt: Callable[[int], str]) -> Sheet | None:
    """One row of pictures, described by their number; None where there are none."""
    n = 0 if images is None else len(images)
    return sheet(images, n, alt(n)) if images is not None and n else None


def above(first: Tensor | None, second: Tensor | None, alt: str) -> Sheet | None:
    """Two rows of pictures, the second below the first; as many of each as both have."""
    if first is None or second is None:
        return None
    n = min(len(first), len(second))
    return sheet(torch.cat([first[:n], second[:n]]), n, alt)


def first_samples(row: Row, n: int = 8) -> Sheet | None:
    """The first of a model's pictures in one row."""
    images = row.gallery.samples[:n] if row.gallery else None
    return in_row(images, lambda n: f"{n} pictures that {row.name} made")


def walls(comparison: Comparison) -> dict[str, tuple[Frame, ...]]:
    """Pictures of all models that have some, by kind; the page says what each kind is."""
    pairs = [(row, row.gallery) for row in comparison.rows if row.gallery is not None]
    real, captioned = comparison.real, comparison.captioned

    def frames(draw: Callable[[str, Gallery], Sheet | None]) -> tuple[Frame, ...]:
        drawn = ((row, draw(row.name, gallery)) for row, gallery in pairs)
        return tuple(Frame(row.name, row.family, (("", s),)) for row, s in drawn if s is not None)

    def samples(name: str, gallery: Gallery) -> Sheet:
        images = gallery.samples
        return in_square(images, f"{len(images)} pictures that {name} made without a prompt")

    def walk(name: str, gallery: Gallery) -> Sheet | None:
        return in_row(
            gallery.walk, lambda n: f"A walk from one picture of {name} to another in {n} steps"
        )

    def copies(name: str, gallery: Gallery) -> Sheet | None:
        alt = f"Test images above what {name} makes of them by encoding and decoding"
        return above(gallery.originals, gallery.copies, alt)

    def neighbours(name: str, gallery: Gallery) -> Sheet | None:
        alt = f"Pictures of {name} above the training images that are nearest to them"
        return above(gallery.samples, gallery.neighbours, alt)

    test: tuple[Frame, ...] = ()
    if real is not None and pairs:
        title = f"{len(real)} real test images of {comparison.dataset}"
        test = (Frame("test images", "", (("", in_square(real, title)),)),)
    prompted = tuple(
        Frame(
            row.name,
            row.family,
            tuple(
                (name, sheet(images, len(images), f"{row.name}, asked for {name}"))
                for name, images in gallery.prompted
            ),
        )
        for row, gallery in pairs
        if gallery.prompted
    )
    if captioned is not None and prompted:
        title = f"A real image of each of {len(captioned)} captions"
        drawn = sheet(captioned, len(captioned), title)
        prompted = (Frame("real images", "", (("", drawn),)), *prompted)
    return {
        "samples": (*test, *frames(samples)),
        "classes": prompted,
        "reconstructions": frames(copies),
        "walks": frames(walk),
        "neighbours": frames(neighbours),
    }
