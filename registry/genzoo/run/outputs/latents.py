"""Reading latents: what `genzoo encode` wrote, or an array that a user made."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.header import DTYPES
from genzoo.files.libraries import need_pyarrow
from genzoo.run.outputs.reading import (
    MOST,
    Archive,
    NotReadError,
    damaged,
    member,
    open_file,
    open_safetensors,
)
from genzoo.text import quoted, shown_path
from genzoo_core.errors import UsageError, WeightsError
from genzoo_core.picture_files import picture_suffixes
from genzoo_core.request import Input

if TYPE_CHECKING:
    from torch import Tensor

MEAN = "mean"
"""The array of latents in what `genzoo encode` writes."""
WRITTEN = {MEAN, "std", "record", "names"}
"""All arrays in that."""

ROWS = 1024
"""Rows of a table that are read at a time."""

Read = Callable[[int], bytes]
"""Gives the next `n` bytes of an array."""


@dataclass
class StoredLatents:
    """Latents in a file, which are read as they are needed.

    Attributes:
        array: What they are called there.
        shape: `(N, *latent)`.
        dtype: In torch's spelling.
        begin: Begins to read them from the first on.
    """

    path: Path
    array: str
    shape: tuple[int, ...]
    dtype: str
    begin: Callable[[], Read]
    _read: Read | None = field(default=None, init=False)
    _next: int = field(default=0, init=False)

    def digest(self) -> Input:
        """The file as a record names it."""
        with open_file(self.path) as file:
            return Input(shown_path(self.path), hashlib.file_digest(file, "sha256").hexdigest())

    def rows(self, start: int, stop: int) -> Tensor:
        """Some of them, `[stop - start, *latent]`, float32 or int64; fastest in their order.

        Raises:
            UsageError: The file ends early, or is damaged.
        """
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        size = prod(self.shape[1:]) * dtype.itemsize
        with damaged(self.path, "file of latents"):
            if self._read is None or start < self._next:
                self._read, self._next = self.begin(), 0
            skipped = (start - self._next) * size
            while skipped:
                skipped -= len(self._read(min(skipped, MOST)))
            data = bytearray(self._read((stop - start) * size))
            self._next = stop
            rows = torch.frombuffer(data, dtype=dtype).reshape(-1, *self.shape[1:])
        return rows.float() if dtype.is_floating_point else rows.long()


def open_latents(path: Path) -> StoredLatents:
    """The latents in a .npz, .safetensors or parquet file; none is read yet.

    They are the array `mean`, or the only one that there is.

    Raises:
        UsageError: It cannot be read, or does not hold an array of numbers.
    """
    with open_file(path) as file:
        beginning = file.read(6)
    if beginning == b"\x93NUMPY":
        raise UsageError(
            f"{path} is a .npy file, and latents are read from .npz or .safetensors",
            "np.savez('z.npz', mean=np.load(FILE)) makes one",
        )
    readers = {b"PK": _open_npz, b"PAR1": _open_parquet}
    found = (readers[magic] for magic in readers if beginning.startswith(magic))
    latents = next(found, _open_safetensors)(path)
    if latents.dtype not in {name for name, _ in DTYPES.values()} - {"bool"}:
        raise UsageError(f"{latents.array} in {path} is {latents.dtype}: no latents")
    return latents


def _open_npz(path: Path) -> StoredLatents:
    with damaged(path, ".npz file"):
        archive = zipfile.ZipFile(Archive(path))
        files = [name for name in archive.namelist() if name.endswith(".npy")]
        names = [name.removesuffix(".npy") for name in files]
        array = _chosen(path, names)
        try:
            shape, dtype, _ = member(archive, f"{array}.npy")
            if not dtype.isnative:
                raise NotReadError(f"{array} is of another byte order: save it as float32")
        except NotReadError as error:
            raise UsageError(f"cannot read {path}: {error}") from error
    return StoredLatents(path, array, shape, dtype.name, lambda: member(archive, f"{array}.npy")[2])


def _open_parquet(path: Path) -> StoredLatents:
    """A table in which each row of a column has as many numbers, as `genzoo encode` writes it."""
    need_pyarrow("reading parquet")
    import numpy as np
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    with damaged(path, "parquet file"):
        table = ParquetFile(open_file(path))
        schema = table.schema_arrow
        names = [each.name for each in schema if types.is_fixed_size_list(each.type)]
        array = _chosen(path, names)
        column = schema.field(array)
        length = column.type.list_size
        dtype = np.dtype(column.type.value_type.to_pandas_dtype()).name
        written = (column.metadata or {}).get(b"shape", b"[%d]" % length)
        shape = msgspec.json.decode(written, type=tuple[int, ...])
        if prod(shape) != length or min(shape, default=1) < 1:
            raise ValueError(f"{array} has {length} numbers in a row, and says the shape {shape}")

    def begin() -> Read:
        rest = bytearray()
        groups = table.iter_batches(ROWS, columns=[array])

        def read(size: int) -> bytes:
            while len(rest) < size:
                group = next(groups, None)
                if group is None:
                    raise ValueError(f"{array} ends early")
                if group.column(0).null_count:
                    raise ValueError(f"{array} has rows without numbers")
                rest.extend(group.column(0).flatten().to_numpy().tobytes())
            data = bytes(rest[:size])
            del rest[:size]
            return data

        return read

    return StoredLatents(path, array, (table.metadata.num_rows, *shape), dtype, begin)


def _open_safetensors(path: Path) -> StoredLatents:
    try:
        file, tensors, _ = open_safetensors(path)
    except WeightsError as error:
        picture = path.suffix.lower() in picture_suffixes()
        raise UsageError(
            f"{path} holds no latents: {'it is a picture' if picture else error.message}",
            "give what `genzoo encode` writes, or np.savez(FILE, mean=…)",
        ) from error
    array = _chosen(path, list(tensors))
    found = tensors[array]

    def read(size: int) -> bytes:
        data = file.read(size)
        if len(data) < size:
            raise ValueError(f"{array} ends early")
        return data

    def begin() -> Read:
        file.seek(found.start)
        return read

    return StoredLatents(path, array, found.shape, DTYPES[found.dtype][0], begin)


def _chosen(path: Path, names: list[str]) -> str:
    """Which of a file's arrays are the latents."""
    others = [name for name in names if name not in WRITTEN]
    if MEAN in names:
        return MEAN
    if len(others) == 1:
        return others[0]
    found = f"has {', '.join(map(quoted, (others or names)[:5]))}" if names else "has no array"
    raise UsageError(
        f"{path} {found}; latents are an array called {MEAN}, or the only one of a file",
        "`genzoo encode` writes such a file, and np.savez(FILE, mean=…)",
    )
