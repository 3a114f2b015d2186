"""Pictures that a user gives, read without trusting them."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.text import shown_path
from genzoo_core.errors import UsageError
from genzoo_core.request import Input

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

MAX_BYTES = 256 * 2**20
"""A larger file is not read."""
MAX_PIXELS = 64 * 10**6
"""A picture with more is not decoded: a few bytes can claim gigabytes of them."""

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError)
"""What Pillow raises on a damaged file, beside the errors of struct and zlib."""


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


def read_bytes(path: Path) -> bytes:
    """The content of a regular file that a user named, of at most `MAX_BYTES`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not a file")
        if status.st_size > MAX_BYTES:
            raise UsageError(f"{path} has {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from error


def decode_picture(data: bytes, path: Path) -> Image.Image:
    """The first frame of the file that lay at `path`, whole and turned as its EXIF data says."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    from genzoo_core.images import FORMATS

    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused below, and of damage that it can live with.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise UsageError(
                    f"{path} claims {image.width:,} × {image.height:,} pixels; "
                    f"at most {MAX_PIXELS:,} are decoded"
                )
            image.load()
            return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as error:
        message = f"{path} claims more pixels than the {MAX_PIXELS:,} that are decoded"
        raise UsageError(message) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        message = f"{path} is not a picture that can be read; give one of {kinds}"
        raise UsageError(message) from error
    except (*_DAMAGE, struct.error, zlib.error) as error:
        raise UsageError(f"{path} is a damaged picture: {error}") from error


def read_picture(path: Path, shape: tuple[int, int, int], background: int) -> InputPicture:
    """An input picture, converted to the `shape` [C, H, W] that a model takes.

    Transparent pixels are laid on the grey level `background`, 0–255.
    """
    from genzoo_core.images import from_pil

    channels, height, width = shape
    if channels not in (1, 3):
        raise UsageError(f"the model's pictures have {channels} channels; no file can be given")
    data = read_bytes(path)
    image = decode_picture(data, path)
    mode = "L" if channels == 1 else "RGB"
    changes = []
    if image.has_transparency_data:
        changes.append(f"laid on grey level {background}")
    if image.mode != mode:
        changes.append(f"from {image.mode} to {mode}")
    if image.size != (width, height):
        changes.append(f"from {image.width}×{image.height} to {width}×{height} pixels")
    pixels = from_pil(_eight_bits(image), shape, background)
    shown = shown_path(path)
    record = Input(shown, hashlib.sha256(data).hexdigest())
    return InputPicture(
        pixels, record, f"{shown}: converted {', '.join(changes)}" if changes else ""
    )


def _eight_bits(image: Image.Image) -> Image.Image:
    """A 16-bit grey picture scaled to 8 bits, where Pillow's own conversion would clip it."""
    import numpy as np
    from PIL import Image

    if not image.mode.startswith("I;16"):
        return image
    levels = np.asarray(image).astype(np.float64)
    return Image.fromarray((levels / 257).round().astype(np.uint8))


def stack(inputs: Sequence[InputPicture]) -> Tensor:
    """The inputs as a model takes them, float32 `[N, C, H, W]` in [-1, 1]."""
    import torch

    from genzoo_core.images import from_uint8

    return from_uint8(torch.stack([picture.pixels for picture in inputs]))
