"""Reading a model file: from bytes on a disk to tensors that were checked."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

from genzoo.files.cards import check_figures
from genzoo.files.header import (
    LENGTH_BYTES,
    RawHeader,
    check_header,
    header_length,
)
from genzoo.files.strict_json import parse_json
from genzoo.text import brief
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, IntegrityError, UsageError, WeightsError
from genzoo_core.specs import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "genzoo"
FORMAT_VERSION = "1"
_KEYS = ("format", "format_version", "model", "card")

StructT = TypeVar("StructT")


@dataclass(frozen=True)
class ModelFileHeader:
    """What a model file says of itself.

    Attributes:
        spec: What to build.
        card: What was known of the model when the file was written; None where it says nothing.
        tensors: dtype (in safetensors' spelling) and shape of each tensor by name.
        size: Size of the file in bytes.
    """

    spec: ModelSpec
    card: ModelCard | None
    tensors: dict[str, tuple[str, tuple[int, ...]]]
    size: int


@dataclass(frozen=True)
class ModelFile:
    """A model file in memory: what happens to the file on the disk is of no concern.

    Attributes:
        path: Where it lay.
        header: What it says of itself.
        sha256: Digest of its bytes, lower-case hexadecimal.
    """

    path: Path
    header: ModelFileHeader
    sha256: str
    _raw: RawHeader = field(repr=False)
    _data: bytearray = field(repr=False)

    def tensor(self, name: str) -> Tensor:
        """One tensor as it is stored. It shares its memory with the file's bytes."""
        import torch

        from genzoo.files.dtypes import TORCH_DTYPE

        info = self._raw.tensors[name]
        dtype = TORCH_DTYPE[info.dtype]
        if info.start == info.end:
            return torch.empty(info.shape, dtype=dtype)
        count = (info.end - info.start) // dtype.itemsize
        offset = self._raw.data_start + info.start
        flat = torch.frombuffer(self._data, dtype=dtype, count=count, offset=offset)
        return flat.reshape(info.shape)


def read_header(path: Path) -> ModelFileHeader:
    """What the model file at `path` says of itself. Reads the header only, imports no torch.

    Raises:
        UsageError: No such file.
        WeightsError: Not a genzoo model file.
        ConfigError: Its description of the model is not well-formed.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        where = str(path)
        beginning = file.read(LENGTH_BYTES)
        header = file.read(header_length(beginning, size, where))
        return _describe(check_header(header, size, where), size, where)


def read_model_file(path: Path, *, sha256: str = "", size: int = 0) -> ModelFile:
    """Read a model file whole, and check all that can be checked without building the model.

    Args:
        path: The file.
        sha256: Digest that it must have; empty where none was promised.
        size: Size in bytes that was promised; 0 where none was.

    Raises:
        UsageError: No such file.
        IntegrityError: Not the file that was promised.
        WeightsError: Not a genzoo model file.
        ConfigError: Its description of the model is not well-formed.
    """
    import hashlib

    where = str(path)
    with open_file(path) as file:
        actual = os.fstat(file.fileno()).st_size
        if size and actual != size:
            raise _not_promised(where, f"has {actual} bytes, its card says {size}")
        data = _read_all(file, actual, where)
    digest = hashlib.sha256(data).hexdigest()
    check_sha256(where, digest, sha256)
    length = header_length(bytes(data[:LENGTH_BYTES]), actual, where)
    raw = check_header(bytes(data[LENGTH_BYTES : LENGTH_BYTES + length]), actual, where)
    return ModelFile(path, _describe(raw, actual, where), digest, raw, data)


def memory_bytes() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _not_promised(where: str, what: str) -> IntegrityError:
    return IntegrityError(f"{where} {what}", "install its plugin again, or fetch the file again")


def check_sha256(where: str, found: str, promised: str) -> None:
    """Refuse a file that is not the one that was promised.

    Args:
        where: The file, for messages.
        found: Digest of its bytes.
        promised: Digest that it must have; empty where none was promised.

    Raises:
        IntegrityError: They differ.
    """
    if promised and found != promised.lower():
        raise _not_promised(where, f"has sha256 {found[:12]}…, its card says {promised[:12]}…")


def open_file(path: Path) -> BufferedReader:
    """A file to read from.

    Raises:
        UsageError: No such file.
        WeightsError: It cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path} is not a file", "name a .safetensors model file")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no file {path}") from None
    except ValueError:
        raise UsageError(f"{str(path)!r} cannot be the name of a file") from None
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from None


def _read_all(file: BinaryIO, size: int, where: str) -> bytearray:
    """The whole file in memory. Never mapped: a mapped file that shrinks kills the process."""
    if size > (memory := memory_bytes()):
        raise WeightsError(f"{where} has {size} bytes, more than this machine's {memory} of memory")
    try:
        data = bytearray(size)
        view = memoryview(data)
        position = 0
        while position < size:
            count = file.readinto(view[position:])  # type: ignore[attr-defined]
            if not count:
                raise WeightsError(f"{where} shrank from {size} to {position} bytes while read")
            position += count
    except MemoryError:
        raise WeightsError(f"there is no memory for the {size} bytes of {where}") from None
    except OSError as error:
        raise WeightsError(f"cannot read {where}: {error.strerror}") from None
    return data


def _describe(raw: RawHeader, size: int, where: str) -> ModelFileHeader:
    metadata = raw.metadata
    if metadata.get("format") != FORMAT or "model" not in metadata:
        raise WeightsError(
            f"{where} is no genzoo model: its header does not say what to build",
            "`genzoo export` and `genzoo train` write files that do",
        )
    if (version := metadata.get("format_version")) != FORMAT_VERSION:
        raise WeightsError(
            f"{where} has format version {str(version)[:20]!r}, this genzoo reads {FORMAT_VERSION}",
            "a newer genzoo may read it",
        )
    if unknown := set(metadata) - set(_KEYS):
        raise ConfigError(
            f"{where}: unknown metadata {sorted(unknown)[0][:80]!r}; known are {', '.join(_KEYS)}"
        )
    spec = _decode(metadata["model"], ModelSpec, f"{where}: `model`")
    card = _card(metadata["card"], f"{where}: `card`") if "card" in metadata else None
    tensors = {name: (info.dtype, info.shape) for name, info in raw.tensors.items()}
    return ModelFileHeader(spec, card, tensors, size)


def _card(text: str, what: str) -> ModelCard:
    card = _decode(text, ModelCard, what)
    try:
        check_figures(card)
    except ConfigError as error:
        raise ConfigError(f"{what}: {error.message}") from None
    return card


def _decode(text: str, kind: type[StructT], what: str) -> StructT:
    try:
        value: Any = parse_json(text)
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{what}: {brief(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} {brief(error)}") from None
