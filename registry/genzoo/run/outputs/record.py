"""The record that a file of pictures carries: how it is written, and read without trust."""

from __future__ import annotations

import io
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.text import brief, one_line
from genzoo_core.config import Config
from genzoo_core.errors import ReplayError, UsageError
from genzoo_core.picture_files import MAX_BYTES, decode
from genzoo_core.reading import read_bytes
from genzoo_core.request import Record

if TYPE_CHECKING:
    import zipfile

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

KEY = "genzoo"
"""The PNG text chunk and the safetensors metadata entry that hold the record."""
FORMAT = 2
"""Version of what a file says of itself."""
MAX_RECORD = 2**20
"""Most bytes of a record as JSON."""


class RecordError(ReplayError, UsageError):
    """A file given to `--replay` holds no record that can be read (exit code 2)."""


class Layout(Config):
    """How pictures lie in a grid: `columns` in a row, `gap` pixels apart."""

    columns: int
    gap: int


class Provenance(Config):
    """What a file of pictures says of itself.

    Attributes:
        record: How the pictures were made.
        layout: Where they are in a grid; None where they are apart.
        format: Version of this structure.
    """

    record: Record
    layout: Layout | None = None
    format: int = FORMAT


class _Version(msgspec.Struct, frozen=True):
    """The version alone; the first did not say it."""

    format: int = 1


def encode(record: Record, layout: Layout | None = None) -> str:
    """The JSON that goes into a file."""
    return msgspec.json.encode(Provenance(record, layout)).decode()


def _decode(text: object, path: Path) -> Provenance:
    if not isinstance(text, str | bytes):
        raise RecordError(
            f"{path} holds no record of how it was made",
            "give a .png, .gif, .npz or .safetensors file as genzoo wrote it",
        )
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    if len(text) > MAX_RECORD:
        raise RecordError(f"the record in {path} has over {MAX_RECORD:,} bytes; it is not ours")
    try:
        version = msgspec.json.decode(text, type=_Version).format
        if version != FORMAT:
            raise RecordError(
                f"the record in {path} is of format {version}, and this genzoo reads {FORMAT}",
                "the genzoo that wrote it makes its pictures again",
            )
        return msgspec.json.decode(text, type=Provenance)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RecordError(
            f"the record in {path} cannot be read: {brief(error)}",
            "it is damaged, or a newer genzoo wrote it",
        ) from error


def read(path: Path) -> tuple[Provenance, Pixels | None]:
    """What a file that genzoo wrote says of itself, and its pixels, whatever its name says.

    Args:
        path: A .png (a grid, or one of a folder), .gif, .npz or .safetensors file.

    Returns:
        The provenance, and pixels as uint8: of a grid or a single picture `[H, W]` or `[H, W, C]`,
        of several `[N, H, W, C]`; None where the format does not keep them exactly.

    Raises:
        RecordError: It cannot be read, or holds no record.
    """
    if path.is_dir():
        raise RecordError(f"{path} is a folder", "give one of its pictures")
    try:
        data = read_bytes(path, MAX_BYTES)
        readers = {b"\x89PNG": _read_png, b"GIF8": _read_gif, b"PK": _read_npz}
        reader = next((readers[magic] for magic in readers if data.startswith(magic)), None)
        text, pixels = (reader or _read_safetensors)(data, path)
        return _decode(text, path), pixels
    except RecordError:
        raise
    except UsageError as error:
        raise RecordError(error.message, error.hint) from error


def _read_png(data: bytes, path: Path) -> tuple[object, Pixels | None]:
    import numpy as np

    image = decode(data, str(path))
    pixels = np.asarray(image) if image.mode in ("L", "RGB") else None
    return image.info.get(KEY), pixels


def _read_gif(data: bytes, path: Path) -> tuple[object, Pixels | None]:
    # A GIF has 256 colours: its pixels are not those that were made.
    return decode(data, str(path)).info.get("comment"), None


def _read_npz(data: bytes, path: Path) -> tuple[object, Pixels | None]:
    import zipfile

    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "record.npy" not in archive.namelist():
                return None, None
            text = str(_read_array(archive, "record.npy", 4 * MAX_RECORD + 1024))
            if _decode(text, path).record.encode:  # latents: no pixels to compare
                return text, None
            images = _read_array(archive, "images.npy", 2**31)
            if images.ndim != 4 or images.dtype != np.uint8:
                raise ValueError(f"images are {images.dtype} of shape {images.shape}")
            return text, images
    except RecordError:
        raise
    except Exception as error:  # whatever the parsers of zip archives and of array headers raise
        raise RecordError(f"{path} is a damaged .npz file: {one_line(error)}") from error


def _read_array(archive: zipfile.ZipFile, name: str, limit: int) -> Pixels:
    """An array of at most `limit` bytes: neither the archive's word nor the array's is taken."""
    import numpy as np
    from numpy.lib import format as npy

    if archive.getinfo(name).file_size > limit:
        raise ValueError(f"{name} is too large")
    content = io.BytesIO(archive.read(name))
    if npy.read_magic(content) != (1, 0):
        raise ValueError(f"{name} has an unknown version")
    shape, fortran, dtype = npy.read_array_header_1_0(content)
    if dtype.hasobject or fortran or dtype.kind not in "uU":
        raise ValueError(f"{name} holds {dtype}{' in Fortran order' if fortran else ''}")
    rest = content.getbuffer()[content.tell() :]
    if prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"{name} has {len(rest)} bytes for shape {shape}")
    array: Pixels = np.frombuffer(rest, dtype).reshape(shape)
    return array


def _read_safetensors(data: bytes, path: Path) -> tuple[object, Pixels | None]:
    import json

    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    if length > 2 * MAX_RECORD or length + 8 > len(data):
        return None, None
    try:
        text = json.loads(data[8 : 8 + length])["__metadata__"][KEY]
        images = load(data).get("images")
    except (ValueError, KeyError, TypeError, RecursionError, SafetensorError):
        return None, None
    if images is None or images.ndim != 4 or images.dtype != np.uint8:
        return text, None
    return text, images.transpose(0, 2, 3, 1)
