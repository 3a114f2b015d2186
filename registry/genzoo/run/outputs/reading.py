"""Reading what was written, without trust: the record first, and pixels once that promises them."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genzoo.files.header import LENGTH_BYTES, TensorInfo, check_header, header_length
from genzoo.files.libraries import need_pyarrow
from genzoo.run.outputs.record import (
    EXIF,
    KEY,
    MAKER_NOTE,
    MAX_RECORD,
    Provenance,
    RecordError,
    decode,
    is_single,
)
from genzoo.text import one_line
from genzoo_core.errors import UsageError, WeightsError
from genzoo_core.picture_files import decode as decode_picture
from genzoo_core.picture_files import read_content
from genzoo_core.reading import open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Pixels = NDArray[np.uint8]

MOST = 2**20
"""Bytes that are read of an archive at a time."""


@dataclass(frozen=True)
class Stored:
    """The pixels of a file, uint8, which are read when they are needed.

    Attributes:
        shape: Of a grid or a single picture `(H, W)` or `(H, W, 3)`, of several `(N, H, W, C)`.
        read: Gives the whole of a grid or a single picture; of several the next `n`. None where
            the format does not keep exact pixels.
    """

    shape: tuple[int, ...]
    read: Callable[[int], Pixels] | None


def read(path: Path) -> tuple[Provenance, Stored | None]:
    """What a file of genzoo's says of itself, whatever its name is, with its pixels.

    None for those of latents, and of a GIF, whose frames have other colours.

    Raises:
        RecordError: It cannot be read, or holds no record.
    """
    if path.is_dir():
        raise RecordError(f"{path} is a folder", "give one of its pictures")
    readers = {
        b"\x89PNG": _read_png,
        b"GIF8": _read_gif,
        b"PK": _read_npz,
        b"PAR1": _read_parquet,
        b"\xff\xd8\xff": _read_jpeg,
        b"RIFF": _read_webp,
    }
    try:
        with open_file(path) as file:
            beginning = file.read(4)
        reader = next((readers[magic] for magic in readers if beginning.startswith(magic)), None)
        text, pixels = (reader or _read_safetensors)(path)
        return decode(text, path), pixels
    except RecordError:
        raise
    except UsageError as error:
        raise RecordError(error.message, error.hint) from error


@contextmanager
def damaged(path: Path, what: str) -> Iterator[None]:
    """Within it, whatever the parsers of a format raise says that the file is damaged."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{path} is a damaged {what}: {one_line(error)}") from error


class NotReadError(ValueError):
    """An array that numpy can write and genzoo does not: damage, but in what a user made."""


class Archive(io.FileIO):
    """A file that is read in pieces of at most `MOST` bytes; zipfile reads the list of its members,
    of which each becomes an object, in one piece."""

    def read(self, size: int | None = -1) -> bytes:
        whole = size is None or not 0 <= size <= MOST
        data = super().read(MOST + 1 if whole else size) or b""
        if len(data) > MOST:
            raise ValueError("its list of members is too long")
        return data


def open_file(path: Path) -> io.BufferedReader:
    """A regular file to read from; a `UsageError` says why there is none."""
    try:
        return open_regular(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _read_png(path: Path) -> tuple[object, Stored | None]:
    with _header(path, "PNG") as image:
        text, stored = record_in(image), _pixels(path, image)
    if text is None:  # some programs write it after the pixels
        text = record_in(decode_picture(read_content(path), str(path)))
    return text, stored


def _read_webp(path: Path) -> tuple[object, Stored | None]:
    with _header(path, "WEBP") as image:
        return record_in(image), _pixels(path, image)


def _read_jpeg(path: Path) -> tuple[object, Stored | None]:
    with _header(path, "JPEG") as image:
        stored = _pixels(path, image)
        return record_in(image), stored and Stored(stored.shape, None)


def _read_gif(path: Path) -> tuple[object, None]:
    # A GIF has 256 colours: its pixels are not those that were made.
    with _header(path, "GIF") as image:
        return record_in(image), None


def _pixels(path: Path, image: Image.Image) -> Stored | None:
    """The pixels of a file; None where they are of another kind than genzoo writes."""
    import numpy as np

    if image.mode not in ("L", "RGB"):
        return None
    size = (image.height, image.width)
    shape = size if image.mode == "L" else (*size, 3)
    return Stored(shape, lambda _: np.asarray(decode_picture(read_content(path), str(path))))


def record_in(image: Image.Image) -> object:
    """What stands in a picture where genzoo has the record, if anything."""
    if (text := image.info.get(KEY)) is not None:
        return text
    if "exif" in image.info:
        note = image.getexif().get_ifd(EXIF).get(MAKER_NOTE)
        if isinstance(note, bytes) and note.startswith(b"{"):  # a camera has notes of its own
            return note
    return image.info.get("comment")


def in_true_size(image: Image.Image) -> tuple[Image.Image, bool]:
    """A picture that genzoo has enlarged, as it was made, and whether it is a grid of several.

    Any other is as it was.
    """
    with suppress(Exception), warnings.catch_warnings():  # whatever others have written
        warnings.simplefilter("ignore")
        provenance = decode(record_in(image), Path())
        layout, grid = provenance.layout, not is_single(provenance.record)
        if layout and image.width % layout.scale == image.height % layout.scale == 0:
            return image.reduce(layout.scale), grid
    return image, False


@contextmanager
def _header(path: Path, kind: str) -> Iterator[Image.Image]:
    """A picture of which no pixel is decoded."""
    from PIL import Image

    with damaged(path, "picture"), open_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is refused before it is decoded
        yield Image.open(file, formats=[kind])


def _read_npz(path: Path) -> tuple[object, Stored | None]:
    import numpy as np

    with damaged(path, ".npz file"):
        archive = zipfile.ZipFile(Archive(path))
        if "record.npy" not in archive.namelist():
            return None, None
        if archive.getinfo("record.npy").file_size > 4 * MAX_RECORD + 1024:
            raise ValueError("record.npy is too large")
        shape, dtype, read = member(archive, "record.npy")
        if dtype.kind != "U":
            raise ValueError(f"record.npy holds {dtype}")
        size = prod(shape) * dtype.itemsize
        text = str(np.frombuffer(read(size), dtype).reshape(shape))
        if decode(text, path).record.encode:  # latents: no pixels to compare
            return text, None
        shape, dtype, read = member(archive, "images.npy")
        if len(shape) != 4 or dtype != np.uint8:
            raise ValueError(f"images are {dtype} of shape {shape}")

    def next_rows(count: int) -> Pixels:
        with damaged(path, ".npz file"):
            return np.frombuffer(read(count * prod(shape[1:])), np.uint8).reshape(-1, *shape[1:])

    return text, Stored(shape, next_rows)


def _read_parquet(path: Path) -> tuple[object, None]:
    """Latents, which have no pixels to compare."""
    need_pyarrow("reading parquet")
    from pyarrow.parquet import ParquetFile

    with damaged(path, "parquet file"):
        return (ParquetFile(open_file(path)).schema_arrow.metadata or {}).get(KEY.encode()), None


def member(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[np.generic], Callable[[int], bytes]]:
    """Shape and dtype of an array, which its size bears out, and what reads its next bytes."""
    from numpy.lib import format as npy

    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed as numpy does not")  # nor inflated in small pieces
    content = archive.open(name)
    if npy.read_magic(content) != (1, 0):
        raise ValueError(f"{name} has an unknown version")
    shape, fortran, dtype = npy.read_array_header_1_0(content)
    if dtype.hasobject or fortran:
        order = " in Fortran order: save np.ascontiguousarray of it" if fortran else ""
        raise NotReadError(f"{name} holds {dtype}{order}")
    rest = archive.getinfo(name).file_size - content.tell()
    if prod(shape) * dtype.itemsize != rest:
        raise ValueError(f"{name} has {rest} bytes for shape {shape}")

    def read(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = content.read(min(size - len(data), MOST))
            if not chunk:
                raise ValueError(f"{name} ends early")
            data += chunk
        return bytes(data)

    return shape, dtype, read


def open_safetensors(path: Path) -> tuple[BinaryIO, dict[str, TensorInfo], dict[str, str]]:
    """A safetensors file, with the tensors and the metadata that its header names.

    Raises:
        WeightsError: It is no such file.
    """
    file = open_file(path)
    size = file.seek(0, 2)
    file.seek(0)
    length = header_length(file.read(LENGTH_BYTES), size, str(path), 2 * MAX_RECORD)
    return file, *check_header(file.read(length), size, str(path))


def _read_safetensors(path: Path) -> tuple[object, Stored | None]:
    import numpy as np

    try:
        file, tensors, metadata = open_safetensors(path)
    except WeightsError:
        return None, None
    images, text = tensors.get("images"), metadata.get(KEY)
    if images is None or len(images.shape) != 4 or images.dtype != "U8":
        return text, None
    n, *row = images.shape
    file.seek(images.start)

    def next_rows(count: int) -> Pixels:
        with damaged(path, ".safetensors file"):
            pixels = np.frombuffer(file.read(count * prod(row)), np.uint8)
            return pixels.reshape(-1, *row).transpose(0, 2, 3, 1)

    return text, Stored((n, row[1], row[2], row[0]), next_rows)
