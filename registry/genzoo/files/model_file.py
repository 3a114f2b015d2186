"""Reading a model file: from its bytes to tensors that are checked."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from genzoo.files.cards import check_figures
from genzoo.files.header import LENGTH_BYTES, TensorInfo, check_header, header_length
from genzoo.files.strict_json import parse_json
from genzoo.text import brief
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, IntegrityError, UsageError, WeightsError
from genzoo_core.reading import open_regular
from genzoo_core.specs import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "genzoo"
FORMAT_VERSION = "1"
_KEYS = ("format", "format_version", "model", "card")

StructT = TypeVar("StructT")


@dataclass(frozen=True)
class ModelFileHeader:
    """The header of a model file of `size` bytes: what to build, a card if any, and tensors."""

    spec: ModelSpec
    card: ModelCard | None
    tensors: dict[str, TensorInfo]
    size: int


@dataclass(frozen=True)
class ModelFile:
    """A model file in memory, whatever happens to it on the disk."""

    path: Path
    header: ModelFileHeader
    sha256: str
    _data: bytearray = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def tensors(self) -> dict[str, TensorInfo]:
        return self.header.tensors

    def stored(self, name: str) -> memoryview:
        info = self.header.tensors[name]
        return memoryview(self._data)[info.start : info.end]

    def tensor(self, name: str) -> Tensor:
        """One tensor as it is stored. It shares its memory with the file's bytes."""
        import torch

        from genzoo.files.dtypes import TORCH_DTYPE

        info = self.header.tensors[name]
        dtype = TORCH_DTYPE[info.dtype]
        if info.start == info.end:
            return torch.empty(info.shape, dtype=dtype)
        count = (info.end - info.start) // dtype.itemsize
        flat = torch.frombuffer(self._data, dtype=dtype, count=count, offset=info.start)
        return flat.reshape(info.shape)


def read_header(path: Path) -> ModelFileHeader:
    """As `read_model_file`, of the header alone. Imports no torch."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = header_length(file.read(LENGTH_BYTES), size, str(path))
        return _describe(file.read(length), size, str(path))


def read_model_file(path: Path, *, sha256: str = "", size: int = 0) -> ModelFile:
    """Read a model file whole, and check all that can be checked without building the model.

    Raises:
        UsageError: No such file.
        IntegrityError: Not the `sha256` and `size` that were promised, if any were.
        WeightsError: Not a genzoo model file.
        ConfigError: Its description of the model is not well-formed.
    """
    where = str(path)
    with open_file(path) as file:
        actual = os.fstat(file.fileno()).st_size
        if size and actual != size:
            raise _not_promised(where, f"has {actual} bytes, its card says {size}")
        data = _read_all(file, actual, where)
    digest = hashlib.sha256(data).hexdigest()
    check_sha256(where, digest, sha256)
    end = LENGTH_BYTES + header_length(bytes(data[:LENGTH_BYTES]), actual, where)
    return ModelFile(path, _describe(bytes(data[LENGTH_BYTES:end]), actual, where), digest, data)


def check_sha256(where: str, found: str, promised: str) -> None:
    """Refuse, as an `IntegrityError`, a file without the promised digest, if one is promised."""
    if promised and found != promised.lower():
        raise _not_promised(where, f"has sha256 {found[:12]}…, its card says {promised[:12]}…")


def _not_promised(where: str, what: str) -> IntegrityError:
    return IntegrityError(f"{where} {what}", "install its plugin again, or fetch the file again")


def memory_bytes() -> int:
    """Memory of this machine; without limit where the system does not say it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def open_file(path: Path) -> BufferedReader:
    """A regular file to read from; a `UsageError` where there is none."""
    try:
        return open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        misnamed = error.errno in (errno.EINVAL, errno.EISDIR)
        kind = UsageError if misnamed else WeightsError
        raise kind(f"cannot read {path}: {error.strerror}") from None


def _read_all(file: BufferedReader, size: int, where: str) -> bytearray:
    """The whole file in memory. Never mapped: a mapped file that shrinks kills the process."""
    if size > (memory := memory_bytes()):
        raise WeightsError(f"{where} has {size} bytes, more than this machine's {memory} of memory")
    try:
        data = bytearray(size)
        count = file.readinto(data)
    except MemoryError:
        raise WeightsError(f"there is no memory for the {size} bytes of {where}") from None
    except OSError as error:
        raise WeightsError(f"cannot read {where}: {error.strerror}") from None
    if count < size:
        raise WeightsError(f"{where} shrank from {size} to {count} bytes while read")
    return data


def _describe(header: bytes, size: int, where: str) -> ModelFileHeader:
    tensors, metadata = check_header(header, size, where)
    # `format` may be "pt": other programs write that over ours.
    if not {"model", "format_version"} <= metadata.keys():
        text = f"{where} is no genzoo model: its header does not say what to build"
        raise WeightsError(text, "`genzoo export` and `genzoo train` write files that do")
    if (version := metadata["format_version"]) != FORMAT_VERSION:
        text = f"{where} has format version {version[:20]!r}, this genzoo reads {FORMAT_VERSION}"
        raise WeightsError(text, "a newer genzoo may read it")
    # Conventions of others have a name before a dot: `modelspec.title`.
    if unknown := sorted(key for key in set(metadata) - set(_KEYS) if "." not in key):
        keys = ", ".join(_KEYS)
        raise ConfigError(f"{where}: unknown metadata {unknown[0][:80]!r}; known are {keys}")
    spec = _decode(metadata["model"], ModelSpec, f"{where}: `model`")
    if "card" not in metadata:
        return ModelFileHeader(spec, None, tensors, size)
    card = _decode(metadata["card"], ModelCard, f"{where}: `card`")
    try:
        check_figures(card)
    except ConfigError as error:
        raise ConfigError(f"{where}: `card`: {error.message}") from None
    return ModelFileHeader(spec, card, tensors, size)


def _decode(text: str, kind: type[StructT], what: str) -> StructT:
    try:
        return msgspec.convert(parse_json(text), kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{what}: {brief(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} {brief(error)}") from None
