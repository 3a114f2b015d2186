"""Pictures as part of a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import torch
from torch import Tensor

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
        alt: What it shows, in words.
    """

    uri: str
    width: int
    height: int
    alt: str


def sheet(images: Tensor, columns: int, alt: str) -> Sheet:
    """Pictures side by side.

    Args:
        images: uint8 `[N, C, H, W]`, C being 1 or 3.
        columns: Pictures in a row.
        alt: What they show.
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
