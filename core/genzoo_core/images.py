"""Images as numbers: the one place that converts to and from [-1, 1]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genzoo_core.errors import UsageError
from genzoo_core.picture_files import eight_bits

if TYPE_CHECKING:
    from PIL import Image

    from genzoo_core.recipe import Fit


def to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] as uint8 0–255: clamped, then rounded (not truncated)."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def from_uint8(images: Tensor) -> Tensor:
    """uint8 images 0–255 as float32 in [-1, 1]."""
    return images.to(torch.float32, copy=True).div_(127.5).sub_(1)


def to_pil(image: Tensor) -> Image.Image:
    """One image, float `[C, H, W]` in [-1, 1] or uint8, as a PIL image in mode L or RGB."""
    from PIL import Image

    pixels = image if image.dtype == torch.uint8 else to_uint8(image)
    array = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def from_pil(
    image: Image.Image, shape: tuple[int, int, int], background: int = 255, fit: Fit = "stretch"
) -> Tensor:
    """A PIL image as uint8 `[C, H, W]`, converted to this size (area-averaged) and mode.

    Args:
        image: Of any size, and of any mode that `eight_bits` takes.
        shape: (C, H, W), C being 1 or 3.
        background: Grey level 0–255 that transparent pixels are laid on.
        fit: How it gets another size; see `DataRecipe`.

    Raises:
        UsageError: As `eight_bits`; or another number of channels.
    """
    import numpy as np
    from PIL import Image, ImageOps

    channels, height, width = shape
    if channels not in (1, 3):
        raise UsageError(f"no picture file has {channels} channels: a model's have 1 or 3")
    image = eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, (background, background, background, 255))
        image = Image.alpha_composite(canvas, image)
    image = image.convert("L" if channels == 1 else "RGB")
    size, box = (width, height), Image.Resampling.BOX
    if image.size != size:
        if fit == "stretch":
            image = image.resize(size, box)
        elif fit == "crop":
            image = ImageOps.fit(image, size, box)
        else:
            image = ImageOps.pad(
                image, size, box, color=background if channels == 1 else (background,) * 3
            )
    array = np.array(image, dtype=np.uint8).reshape(height, width, channels)
    return torch.from_numpy(array).permute(2, 0, 1).contiguous()


def grid(images: Tensor, columns: int | None = None, gap: int = 2) -> Tensor:
    """Pictures, `[N, C, H, W]` of any dtype, side by side as one image, `[C, H', W']`.

    Args:
        columns: Pictures in a row; by default about the square root of N.
        gap: Width in pixels of the line between two pictures, as bright as the brightest
            pixel that the dtype stands for.
    """
    n, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    white = 255 if images.dtype == torch.uint8 else 1
    size = (channels, rows * (height + gap) - gap, columns * (width + gap) - gap)
    canvas = images.new_full(size, white)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    return canvas
