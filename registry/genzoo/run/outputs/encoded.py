"""Writing the latents of many files, with their names, as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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

GROUP = 2**24
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
    from pyarrow.parquet import ParquetWriter

    writer = None
    waiting: list[Any] = []
    try:
        for batch in batches:
            table = _table(batch, record)
            writer = writer or ParquetWriter(file, table.schema, compression="zstd")
            waiting.append(table)
            if sum(each.nbytes for each in waiting) >= GROUP:
                _write_group(writer, waiting)
        if writer is not None:
            _write_group(writer, waiting)
    finally:
        if writer is not None:
            writer.close()


def _write_group(writer: Any, waiting: list[Any]) -> None:
    import pyarrow as pa

    if waiting:
        writer.write_table(pa.concat_tables(waiting))
    waiting.clear()


def _table(batch: Encoded, record: Record) -> Any:
    import pyarrow as pa

    tensors = arrays.latent_tensors(batch.latents)
    columns = {NAME: pa.array(batch.names, pa.string())}
    columns |= {name: _column(tensor) for name, tensor in tensors.items()}
    fields = [pa.field(NAME, pa.string())]
    for name, tensor in tensors.items():
        shape = json.dumps(list(tensor.shape[1:]))
        fields.append(pa.field(name, columns[name].type, metadata={SHAPE: shape}))
    schema = pa.schema(fields, {KEY: encode(record)})
    return pa.table(list(columns.values()), schema=schema)


def _column(tensor: Tensor) -> Any:
    import pyarrow as pa

    values = pa.array(tensor.contiguous().numpy().reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, prod(tensor.shape[1:]))
