"""Picture files: finding them in a folder, and reading their pixels without trusting them."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genzoo_core.errors import UsageError
from genzoo_core.reading import read_bytes

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 256 * 2**20
"""A larger file is not read."""
MAX_PIXELS = 64 * 10**6
"""A picture with more is not decoded: a few bytes can claim gigabytes of them."""
MAX_FILES = 2_000_000
"""A folder with more is not searched: its name must be a mistake."""

_EXTERNAL = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow opens and does not decode itself: EPS starts Ghostscript."""

_NO_PICTURES = {"@eadir", "__macosx", "desktop.ini", "thumbs.db"}
"""What systems leave beside pictures, in lower case, under names that are not hidden."""

_DAMAGE = (OSError, AssertionError, SyntaxError, ValueError, EOFError, IndexError, KeyError,
           TypeError, OverflowError, NotImplementedError, struct.error, zlib.error)  # fmt: skip
"""What Pillow raises on a damaged file."""

_TURNED_BY = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
              6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}  # fmt: skip
"""What turns a picture upright, by its EXIF orientation (Exif 2.32, tag 274)."""

# Tags of TIFF 6.0.
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339


@cache
def picture_suffixes() -> dict[str, str]:
    """The suffixes of files that Pillow decodes here, each with the name of its format."""
    from PIL import Image

    formats = Image.registered_extensions()
    return {s: f for s, f in formats.items() if f in Image.OPEN and f not in _EXTERNAL} | {
        ".mpo": "JPEG"  # what many cameras write; the decoder of JPEG opens it
    }


@cache
def _formats() -> tuple[str, ...]:
    """In the order in which they are tried: some decoders look at no magic number."""
    formats = set(picture_suffixes().values())
    common = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
    return (*common, *sorted(formats.difference(common)))


class PictureFiles(NamedTuple):
    """The files in a folder.

    Attributes:
        pictures: Paths of those whose suffix is of a format that Pillow decodes here, sorted.
        others: Paths of all others, sorted.
    """

    pictures: tuple[Path, ...]
    others: tuple[Path, ...]


def find_pictures(folder: Path) -> PictureFiles:
    """The pictures in a folder and in the folders below it; links are followed.

    Hidden files and folders are skipped, and what systems leave beside pictures.

    Raises:
        UsageError: A folder cannot be read, or there are more than `MAX_FILES` files.
    """
    suffixes = picture_suffixes()
    pictures: list[Path] = []
    others: list[Path] = []
    waiting = [(folder, frozenset[tuple[int, int]]())]
    while waiting:
        place, above = waiting.pop()
        try:
            status = place.stat()
            # A link to a folder that it lies in would have no end.
            if (own := (status.st_dev, status.st_ino)) in above:
                continue
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    path = place / entry.name
                    if entry.is_dir():
                        waiting.append((path, above | {own}))
                    else:
                        (pictures if path.suffix.lower() in suffixes else others).append(path)
                    if len(pictures) + len(others) + len(waiting) > MAX_FILES:
                        raise UsageError(f"{folder} holds more than {MAX_FILES:,} files")
        except OSError as error:
            raise UsageError(f"cannot read {place}: {error.strerror}") from error
    return PictureFiles(tuple(sorted(pictures)), tuple(sorted(others)))


def left_out(files: Sequence[Path]) -> str:
    """A message on the files that were left out: their number and suffixes; "" for none."""
    if not files:
        return ""
    kinds = Counter(file.suffix.lower() or "without suffix" for file in files)
    named = ", ".join(kind for kind, _ in kinds.most_common(5))
    count = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
    return f"{count} left out, of kinds that Pillow does not decode here: {named}"


def is_hidden(name: str) -> bool:
    """Whether the system, not the user, put a file or folder of this name among pictures."""
    return name.startswith(".") or name.lower() in _NO_PICTURES


def read_content(path: Path) -> bytes:
    """The content of a picture file.

    Raises:
        UsageError: It cannot be read, is no regular file, or has more than `MAX_BYTES` bytes.
    """
    try:
        return read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def decode(data: bytes, name: str) -> Image.Image:
    """The first frame of a picture file, in mode L, RGB or RGBA: upright, as its EXIF data says.

    `name` stands for the file in an error: a path, or a row.

    Raises:
        UsageError: No picture, a damaged one, one of more than `MAX_PIXELS` pixels, or one
            whose levels have no known range.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise UsageError(f"{name} is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused below, and of damage that it can live with.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=_formats())
            _check_pixels(image)
            image.load()
            _check_pixels(image)  # an icon has its size once it is decoded
            return _plain(_upright(eight_bits(image)))
    except UsageError as error:
        raise UsageError(f"{name} {error.message}", error.hint) from error
    except Image.DecompressionBombError as error:
        message = f"{name} claims more pixels than the {MAX_PIXELS:,} that are decoded"
        raise UsageError(message) from error
    except UnidentifiedImageError as error:
        raise UsageError(f"{name} is not a picture that can be read") from error
    except _DAMAGE as error:
        raise UsageError(f"{name} is a damaged picture: {error}") from error


def eight_bits(image: Image.Image) -> Image.Image:
    """A PIL image of 8 bits a channel; one that has no more is returned as it is.

    Pillow's own conversion would clip deeper levels. They are scaled from the range that the
    file's format gives them: white is 255, whatever the brightest pixel is.

    Raises:
        UsageError: The levels have no known range (whole numbers of 32 bits, signed ones, floats),
            or are of LAB, which needs a profile.
    """
    import numpy as np
    from PIL import Image

    kind, mode = image.format, image.mode
    if mode == "LAB":
        raise UsageError("has LAB colours", "convert it to RGB")
    tags = getattr(image, "tag_v2", {})
    if kind == "TIFF" and tags.get(_SAMPLE_FORMAT, (1,))[0] == 2:
        raise UsageError("has signed levels, whose range is not known", "save it without signs")
    if mode == "La":  # premultiplied, as RGBa; Pillow would drop its alpha
        return image.convert("LA")
    if not mode.startswith(("I", "F")):
        return image
    # Pillow gives the 16 bits of PGM (and of PNG, in old versions) as a whole number.
    if not (mode.startswith("I;16") and kind in (None, "JPEG2000", "PNG", "PPM", "TIFF")) and not (
        mode == "I" and kind in ("PNG", "PPM")
    ):
        raise UsageError(
            f"has levels of mode {mode}, whose range is not known",
            "save it with 8 or 16 bits a channel",
        )
    levels = np.asarray(image).astype(np.float64)
    white = 2 ** tags.get(_BITS, (16,))[0] - 1
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero; Pillow minds that up to 8 bits alone
        levels = white - levels
    grey = Image.fromarray((levels * (255 / white)).round().astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
    grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return grey


def _check_pixels(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UsageError(
            f"claims {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} are decoded"
        )


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image

    # TIFF's decoder has turned the picture, and taken the tag away.
    try:
        orientation = image.getexif().get(274)
    except _DAMAGE:  # of the EXIF data, not of the picture
        return image
    if orientation not in _TURNED_BY:
        return image
    turned = image.transpose(Image.Transpose[_TURNED_BY[orientation]])
    turned.info = dict(image.info)
    return turned


def _plain(image: Image.Image) -> Image.Image:
    """The picture without palette, in the mode that the others of its kind have."""
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")
