"""Writing the latents of many files, with their names, as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from genzoo.run.outputs import arrays
from genzoo.run.outputs.destination import Destination, write_file, writing
from genzoo.run.outputs.record import KEY, encode
from genzoo.run.tasks.encode_files import Encoded
from genzoo_core.request import Input, Record

if TYPE_CHECKING:
    from torch import Tensor

NAME, SHAPE = "name", "shape"
"""The column with the names of files, and the entry of a column that says its rows' shape."""

GROUP = 2**20
"""Bytes of latents in a group of rows, which are in memory at once."""


def write_encoded(
    destination: Destination, record: Record, source: Path, batches: Iterable[Encoded]
) -> tuple[Path, list[int]]:
    """Write latents with the names of their files; gives the file, and the shape of all.

    Without a path it is named after `source`. More files take no more memory, but for names.
    """
    named = msgspec.structs.replace(record, inputs=(Input(str(source)),))
    if destination.format == "npz":
        return _write_npz(destination, record, named, batches)
    count, shape = 0, []

    def counted() -> Iterable[Encoded]:
        nonlocal count, shape
        for batch in batches:
            count, shape = count + len(batch.names), list(batch.latents.posterior.mean.shape[1:])
            yield batch

    path = write_file(destination, named, lambda file: _fill(file, record, counted()))
    return path, [count, *shape]


def _write_npz(
    destination: Destination, record: Record, named: Record, batches: Iterable[Encoded]
) -> tuple[Path, list[int]]:
    """As numpy writes it: `mean`, of a VAE `std`, and `names`, a text each."""
    place = destination.path.parent if destination.path else destination.unnamed
    rows: dict[str, arrays.Rows] = {}
    names: list[str] = []
    with writing(place):
        for batch in batches:
            arrays.add_rows(rows, arrays.latent_tensors(batch.latents), place)
            names += batch.names
    fill: Callable[[IO[bytes]], object] = lambda file: arrays.write_npz(file, rows, record, names)  # noqa: E731
    return write_file(destination, named, fill), list(rows["mean"].shape)


def _fill(file: IO[bytes], record: Record, batches: Iterable[Encoded]) -> None:
    """A table: `name`, and in each row of `mean` and `std` the numbers of a latent, flat."""
    groups = None
    try:
        for batch in batches:
            tensors = arrays.latent_tensors(batch.latents)
            groups = groups or _Groups(file, record, tensors)
            groups.add(batch.names, tensors)
    finally:
        if groups is not None:
            groups.close()


class _Groups:
    """The groups of rows of a table, each of which is written once it is large enough."""

    def __init__(self, file: IO[bytes], record: Record, tensors: Mapping[str, Tensor]) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        fields = [pa.field(NAME, pa.string())]
        self._types = {}
        for name, tensor in tensors.items():
            numbers = pa.from_numpy_dtype(str(tensor.dtype).removeprefix("torch."))
            self._types[name] = pa.list_(numbers, prod(tensor.shape[1:]))
            shape = json.dumps(list(tensor.shape[1:]))
            fields.append(pa.field(name, self._types[name], metadata={SHAPE: shape}))
        self._schema = pa.schema(fields, {KEY: encode(record)})
        self._writer = ParquetWriter(file, self._schema, compression="zstd")
        self._begin()

    def _begin(self) -> None:
        self._names: list[str] = []
        # Not a tensor for each batch: what lies between them in memory could not be used again.
        self._bytes = {name: bytearray() for name in self._types}

    def add(self, names: Sequence[str], tensors: Mapping[str, Tensor]) -> None:
        """Add the rows of a batch."""
        self._names += names
        for name, tensor in tensors.items():
            self._bytes[name] += tensor.contiguous().numpy().tobytes()
        if sum(map(len, self._bytes.values())) >= GROUP:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        columns = [pa.array(self._names, pa.string())]
        for name, kind in self._types.items():
            data = pa.py_buffer(self._bytes[name])
            count = len(self._names) * kind.list_size
            numbers = pa.Array.from_buffers(kind.value_type, count, [None, data])
            columns.append(pa.FixedSizeListArray.from_arrays(numbers, type=kind))
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self._begin()

    def close(self) -> None:
        """Write the last group, and the end of the file."""
        if self._names:
            self._write()
        self._writer.close()
