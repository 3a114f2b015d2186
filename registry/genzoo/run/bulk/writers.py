"""Shards as files: parquet as on the Hub, tar as of a WebDataset, arrays as of `genzoo run`.

The same pictures give the same bytes.
"""

from __future__ import annotations

import io
import json
import tarfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genzoo.files.webdataset import CAPTION
from genzoo.run.bulk.cells import Column, Made
from genzoo.run.bulk.layout import Form
from genzoo.run.make import spanning

if TYPE_CHECKING:
    import pyarrow as pa

    from genzoo.run.outputs.arrays import Rows
    from genzoo_core.request import Record

GROUP = 2**24
"""Bytes of pictures in a row group, which is what a reader of parquet takes at once."""


class ShardWriter(ABC):
    """Writes one shard into a file, batch by batch, in a `with` block."""

    def __init__(self, path: Path, columns: tuple[Column, ...]) -> None:
        self.path, self.columns = path, columns
        self.stack = ExitStack()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self.stack:
            if kind is None:
                self.finish()

    @abstractmethod
    def add(self, made: Made) -> None:
        """Write some pictures, which follow those before."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is left."""


class ParquetShard(ShardWriter):
    """A table in the Hub's schema: `image` with the bytes of a PNG, conditions, `seed`."""

    def __init__(self, path: Path, columns: tuple[Column, ...]) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        super().__init__(path, columns)
        self._schema = _schema(columns)
        file = self.stack.enter_context(pa.OSFile(str(path), "wb"))
        writer = ParquetWriter(
            file,
            self._schema,
            compression="zstd",  # the records in the PNGs are nearly all alike
            use_dictionary=[column.name for column in columns],
            write_statistics=["seed"],
        )
        self._writer = self.stack.enter_context(writer)
        self._rows: list[dict[str, Any]] = []
        self._size = 0

    def add(self, made: Made) -> None:
        for offset, (number, png, seed) in enumerate(made.pngs()):
            image = {"bytes": png, "path": f"{number}.png"}
            cells = {name: values[offset] for name, values in made.cells.items()}
            self._rows.append({"image": image, **cells, "seed": seed})
            self._size += len(png)
        if self._size >= GROUP:
            self.finish()

    def finish(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows, self._size = [], 0


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The columns, and what `datasets` is to make of them."""
    import pyarrow as pa

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [("image", image)]
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    for column in columns:
        if column.classes is None:
            fields.append((column.name, pa.string()))
            features[column.name] = {"dtype": "string", "_type": "Value"}
        else:
            fields.append((column.name, pa.int64()))
            features[column.name] = {"names": list(column.classes), "_type": "ClassLabel"}
    fields.append(("seed", pa.int64()))
    features["seed"] = {"dtype": "int64", "_type": "Value"}
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


class WebDatasetShard(ShardWriter):
    """A tar file: for each picture a `.png`, its class in `.cls` or its text in `.txt`, and the
    seed and further conditions in `.json`."""

    def __init__(self, path: Path, columns: tuple[Column, ...]) -> None:
        super().__init__(path, columns)
        self._tar = self.stack.enter_context(
            tarfile.TarFile(path, "w", format=tarfile.USTAR_FORMAT)
        )

    def add(self, made: Made) -> None:
        for offset, (name, png, seed) in enumerate(made.pngs()):
            self._member(f"{name}.png", png)
            facts: dict[str, Any] = {"seed": seed}
            for place, column in enumerate(self.columns):
                value = made.cells[column.name][offset]
                if place == 0 and value is not None:
                    suffix = CAPTION if column.classes is None else ".cls"
                    self._member(name + suffix, str(value).encode())
                else:
                    facts[column.name] = value
            self._member(f"{name}.json", json.dumps(facts, ensure_ascii=False).encode())

    def _member(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def finish(self) -> None:
        pass


class ArraysShard(ShardWriter):
    """The file that `genzoo run -o x.safetensors` writes of these pictures, and the ids of their
    classes as int64 `[N]`."""

    def __init__(self, path: Path, columns: tuple[Column, ...]) -> None:
        super().__init__(path, columns)
        self._rows: dict[str, Rows] = {}
        self._record: Record | None = None

    def add(self, made: Made) -> None:
        import torch

        from genzoo.run.outputs.arrays import add_rows

        tensors = {"images": made.images, "seeds": torch.tensor(made.seeds, dtype=torch.int64)}
        for column in self.columns:
            if column.classes is not None:
                ids = [-1 if i is None else i for i in made.cells[column.name]]
                tensors[column.name] = torch.tensor(ids, dtype=torch.int64)
        add_rows(self._rows, tensors, self.path.parent)
        self._record = spanning(self._record or made.record, made.record)

    def finish(self) -> None:
        from genzoo.run.outputs.arrays import write_safetensors

        assert self._record is not None  # a shard has pictures
        with self.path.open("wb") as file:
            write_safetensors(file, self._rows, self._record)


WRITERS: dict[Form, type[ShardWriter]] = {
    "parquet": ParquetShard,
    "webdataset": WebDatasetShard,
    "arrays": ArraysShard,
}
