"""Pictures that a user gives to a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.text import shown_path
from genzoo_core.picture_files import decode, read_content
from genzoo_core.request import Input

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class InputPicture:
    """An input picture.

    Attributes:
        pixels: uint8 `[C, H, W]`, converted to what the model takes.
        record: Where it lay, and its sha256.
        converted: What had to be done to it, or "".
    """

    pixels: Tensor
    record: Input
    converted: str


def read_input(path: Path, shape: tuple[int, int, int], background: int) -> InputPicture:
    """An input picture, converted to the `shape` [C, H, W] that a model takes.

    Transparent pixels are laid on the grey level `background`, 0–255.

    Raises:
        UsageError: It cannot be read as a picture.
    """
    from genzoo_core.images import from_pil

    channels, height, width = shape
    data = read_content(path)
    image = decode(data, str(path))
    mode = "L" if channels == 1 else "RGB"
    changes = []
    if image.has_transparency_data:
        changes.append(f"laid on grey level {background}")
    if image.mode != mode:
        changes.append(f"from {image.mode} to {mode}")
    if image.size != (width, height):
        changes.append(f"from {image.width}×{image.height} to {width}×{height} pixels")
    pixels = from_pil(image, shape, background)
    shown = shown_path(path)
    record = Input(shown, hashlib.sha256(data).hexdigest())
    return InputPicture(
        pixels, record, f"{shown}: converted {', '.join(changes)}" if changes else ""
    )


def stack(inputs: Sequence[InputPicture]) -> Tensor:
    """The inputs as a model takes them, float32 `[N, C, H, W]` in [-1, 1]."""
    import torch

    from genzoo_core.images import from_uint8

    return from_uint8(torch.stack([picture.pixels for picture in inputs]))
