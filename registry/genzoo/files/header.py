"""The header of a safetensors file, checked before any library sees the file.

The format: eight bytes with the header's length (little-endian), the header (a JSON object with
each tensor's dtype, shape and byte range in the data), the data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from genzoo.files.strict_json import parse_json
from genzoo_core.errors import WeightsError

LENGTH_BYTES = 8
MAX_HEADER, MAX_FOREIGN_HEADER = 1_000_000, 25_000_000
"""Of a model file, and of one of others: a model of 200,000 tensors needs as much."""
MAX_DIMENSIONS = 16

DTYPES = {
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "I16": ("int16", 2),
    "I32": ("int32", 4),
    "I64": ("int64", 8),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F32": ("float32", 4),
    "F64": ("float64", 8),
}
"""Torch's name and the bytes of one element, by the dtypes that a model file may hold."""

FOREIGN_DTYPES = {
    **DTYPES,
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 1),
    "F8_E8M0": ("float8_e8m0fnu", 1),
    "U16": ("uint16", 2),
    "U32": ("uint32", 4),
    "U64": ("uint64", 8),
    "C64": ("complex64", 8),
}
"""The same of files of others."""

_PICKLE_OR_ZIP = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(dp", b"}q")

_POINTER = b"version "  # https://git-lfs.github.com/spec/v1


_PICTURE = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF")
"""PNG, GIF, JPEG, WebP."""


class TensorInfo(NamedTuple):
    """A tensor in a file: dtype (a key of `DTYPES`), shape, first byte, one past the last."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def safetensors_header(
    metadata: Mapping[str, str], tensors: Iterable[tuple[str, str, tuple[int, ...]]]
) -> bytes:
    """The bytes before the data, of text by name and of tensors in their order in the file.

    A tensor is its name, torch's name of its dtype, and its shape; those with the widest elements
    come first, so that each is aligned.

    Raises:
        WeightsError: The format has no such dtype.
    """
    entries: dict[str, object] = {"__metadata__": metadata}
    names = {torch_name: (name, width) for name, (torch_name, width) in DTYPES.items()}
    position = 0
    for name, dtype, shape in tensors:
        if dtype not in names:
            raise WeightsError(f"tensor {name!r} has dtype {dtype}, which cannot be stored")
        end = position + math.prod(shape) * names[dtype][1]
        offsets = [position, end]
        entries[name] = {"dtype": names[dtype][0], "shape": list(shape), "data_offsets": offsets}
        position = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def is_pickled(beginning: bytes) -> bool:
    """Whether a file that begins so is a pickle, or the zip archive that torch puts one into."""
    return beginning.startswith(_PICKLE_OR_ZIP)


def header_length(beginning: bytes, size: int, where: str, limit: int = MAX_HEADER) -> int:
    """Length in bytes, at most `limit`, of the header of a file of `size` bytes that begins so."""
    if size == 0:
        raise WeightsError(f"{where} is empty")
    length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
    # A sound header's length can begin like a pickle, but a pickle gives no sound length.
    sound = size >= LENGTH_BYTES and length <= min(limit, size - LENGTH_BYTES)
    if not sound and is_pickled(beginning):
        text = f"{where} is a pickle or a zip archive, and pickle is never loaded"
        raise WeightsError(text, "convert it to safetensors where you trust it")
    if size < LENGTH_BYTES:
        raise WeightsError(f"{where} is no safetensors file: it has only {size} bytes")
    if beginning.startswith(_POINTER) and not sound:
        text = f"{where} is a pointer of Git LFS to a file that was not fetched"
        raise WeightsError(text, "`git lfs pull`")
    if beginning.startswith(_PICTURE) and not sound:
        raise WeightsError(f"{where} is a picture, no model", "`genzoo show` says how it was made")
    header = f"header of {length} bytes"
    if length > limit:
        text = f"{where} is damaged, or no safetensors file: it declares a {header}"
        raise WeightsError(f"{text}; at most {limit} are accepted")
    if length > size - LENGTH_BYTES:
        raise WeightsError(f"{where} is truncated: its {header} goes past the end of the file")
    return length


def check_header(
    header: bytes, size: int, where: str, dtypes: Mapping[str, tuple[str, int]] = DTYPES
) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """The tensors and the metadata in a header of a file of `size` bytes, called `where`.

    Raises:
        WeightsError: Not well-formed, or byte ranges that overlap, leave holes or do not match
            shapes, dtypes and the file's size; or none of the `dtypes`.
    """
    data_start = LENGTH_BYTES + len(header)
    try:
        if not header.startswith(b"{"):
            raise ValueError("does not begin with {")
        entries = parse_json(header.decode("utf-8"))
        metadata = _metadata(entries.pop("__metadata__", {}))
        for name, entry in entries.items():
            dtype = entry.get("dtype") if isinstance(entry, dict) else None
            if isinstance(dtype, str) and dtype not in dtypes:  # such as F4
                text = f"{where}: {name[:80]!r} is stored as {dtype[:20]!r}"
                hint = f"convert it to F16, BF16 or F32; known are {', '.join(dtypes)}"
                raise WeightsError(f"{text}, which genzoo does not read", hint)
        widths = {dtype: width for dtype, (_, width) in dtypes.items()}
        tensors = {n: _tensor(n, entry, data_start, widths) for n, entry in entries.items()}
        _check_ranges(tensors, data_start, size)
    except UnicodeDecodeError:
        raise WeightsError(f"{where} is damaged: its header is not UTF-8") from None
    except ValueError as error:
        raise WeightsError(f"{where} is damaged: its header {error}") from None
    return tensors, metadata


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("has metadata that is not text by name")
    return value


def _tensor(name: str, entry: object, data_start: int, widths: Mapping[str, int]) -> TensorInfo:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, end], **more}:
            if more:
                raise ValueError(f"says more than dtype, shape and data_offsets of {name[:80]!r}")
        case _:
            raise ValueError(f"does not give dtype, shape and data_offsets of {name[:80]!r}")
    if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and n >= 0 for n in (*shape, start)):
        raise ValueError(f"gives {name[:80]!r} no shape or offset that a tensor can have")
    if type(end) is not int or end - start != math.prod(shape) * widths[dtype]:
        raise ValueError(f"gives {name[:80]!r} a shape that does not match its bytes")
    return TensorInfo(dtype, tuple(shape), data_start + start, data_start + end)


def _check_ranges(tensors: dict[str, TensorInfo], data_start: int, size: int) -> None:
    position = data_start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start < position:
            raise ValueError(f"lets {name[:80]!r} overlap another tensor")
        if tensor.start > position:
            raise ValueError(f"leaves a hole of {tensor.start - position} bytes at {name[:80]!r}")
        position = tensor.end
    if position > size:
        declared, available = position - data_start, size - data_start
        raise ValueError(f"declares {declared} bytes of tensors, but the file holds {available}")
    if position < size:
        raise ValueError(f"leaves {size - position} bytes at the end of the file unnamed")
