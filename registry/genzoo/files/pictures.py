"""Pictures that a user gives to a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.text import shown_path
from genzoo_core.errors import UsageError
from genzoo_core.picture_files import decode, read_content
from genzoo_core.request import Input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

HALF = 128
"""A mask's levels from here on are white, and an alpha below it is transparent."""


@dataclass(frozen=True)
class InputPicture:
    """An input picture.

    Attributes:
        pixels: uint8 `[C, H, W]`, converted to what the model takes.
        size: Width and height of the file's picture.
        record: Where it lay, and its sha256.
        note: How it was converted, or "".
        clear: Whether some of it is transparent.
    """

    pixels: Tensor
    size: tuple[int, int]
    record: Input
    note: str
    clear: bool


@dataclass(frozen=True)
class Mask:
    """Which part of a picture is made, `made`: bool `[1, H, W]`; the rest as of a picture."""

    made: Tensor
    record: Input
    note: str


def read_input(
    file: Input,
    shape: tuple[int, int, int],
    background: int,
    restore: Callable[[Image.Image], tuple[Image.Image, bool]],
) -> InputPicture:
    """An input picture, converted to the `shape` [C, H, W] that a model takes.

    Transparent pixels are laid on the grey level `background`, 0–255. `restore` gives a picture
    the size that it was made in, and whether it is a grid of several.

    Raises:
        UsageError: It is no picture, or cannot be read.
    """
    from genzoo_core.images import from_pil

    image, record, name = _read(file, "the input")
    own = image.size
    clear = _transparent(image) is not None
    image, grid = restore(image)
    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"
    changes = ["a grid, taken for one picture"] if grid else []
    if image.has_transparency_data:
        grey = {0: "black", 255: "white"}.get(background, f"grey level {background}")
        changes.append(f"laid on {grey}")
    if image.mode != mode:
        changes.append(f"converted from {image.mode} to {mode}")
    if image.size != (width, height):
        changes.append(f"resized from {image.width}×{image.height} to {width}×{height} pixels")
    pixels = from_pil(image, shape, background)
    note = f"{name}: {', '.join(changes)}" if changes else ""
    return InputPicture(pixels, own, record, note, clear)


def read_mask(file: Input, inputs: Sequence[InputPicture], shape: tuple[int, int, int]) -> Mask:
    """A mask of the inputs: what is transparent in it is made, or, where nothing is, what is white.

    Brought to the size of `shape` [C, H, W], a pixel is made where any part of it is.

    Raises:
        UsageError: It cannot be read, is not as large as each input, or nothing is made.
    """
    import numpy as np

    image, record, name = _read(file, "the mask")
    for each in inputs:
        if image.size != each.size:
            (width, height), of = each.size, each.record.path or "the input"
            sizes = f"{image.width}×{image.height} pixels, and {of} has {width}×{height}"
            raise UsageError(f"the mask {name} has {sizes}", "give a mask of the input's size")
    made, kind = _transparent(image), "transparent"
    if made is None:
        made, kind = np.asarray(image.convert("L")) >= HALF, "white"
    if not made.any():
        hint = "make white, or transparent, what is to be made"
        raise UsageError(f"nothing is made: {name} is black", hint)
    part = _resized(made, shape[2], shape[1])
    share = 100 * part.float().mean()
    return Mask(part, record, f"{name}: what is {kind} in it is made, {share:.0f} % of the picture")


def stack(inputs: Sequence[InputPicture]) -> Tensor:
    """The inputs as a model takes them, float32 `[N, C, H, W]` in [-1, 1]."""
    import torch

    from genzoo_core.images import from_uint8

    return from_uint8(torch.stack([picture.pixels for picture in inputs]))


def _read(file: Input, unnamed: str) -> tuple[Image.Image, Input, str]:
    """A picture, its record, and what it is called."""
    data = file.data if file.data or not file.path else read_content(Path(file.path))
    image = decode(data, file.path or unnamed)
    label = shown_path(file.path) if file.path else ""
    return image, Input(label, hashlib.sha256(data).hexdigest()), label or unnamed


def _transparent(image: Image.Image) -> NDArray[np.bool_] | None:
    """Where a picture is transparent, `[H, W]`; None where it is nowhere."""
    import numpy as np

    if not image.has_transparency_data:
        return None
    clear: NDArray[np.bool_] = np.asarray(image.convert("RGBA").getchannel("A")) < HALF
    return clear if clear.any() else None


def _resized(made: NDArray[np.bool_], width: int, height: int) -> Tensor:
    """The pixels, bool `[1, height, width]`, of which any part is made.

    Inputs shrink by the same filter, so their colours have a part of what is made.
    """
    import numpy as np
    import torch
    from PIL import Image

    share = Image.fromarray(made.astype(np.float32))
    if share.size != (width, height):
        share = share.resize((width, height), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(share) > 0)[None]
