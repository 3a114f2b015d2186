"""Datasets on the Hub that are too large to keep: read as they are needed."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.datasets import data_errors, decode_row
from genzoo.files.rows import check_hub, renamed, rows_of_table
from genzoo_core.dataset import Dataset, Row, RowReader, Stream, columns_of
from genzoo_core.errors import DataError
from genzoo_core.recipe import DataRecipe

if TYPE_CHECKING:
    from datasets import IterableDataset
    from torch import Tensor

HEAD = 1000
"""Rows that a training is checked on before it begins."""


class HubStream(Stream):
    """A split of a dataset on the Hub, at the revision that it has now.

    Raises:
        DataError: It cannot be had, or nothing says how many rows it has.
    """

    def __init__(self, recipe: DataRecipe) -> None:
        if not recipe.hub:
            raise DataError(f"{recipe.name} is on no Hub, so it cannot be streamed")
        if recipe.aside:
            raise DataError(
                "nothing can be set aside of a stream, whose pictures are not all known",
                "set data.aside = 0, and name another split for validation",
            )
        check_hub(recipe.hub, f"give a folder that holds {recipe.name}: --data DIR, or GENZOO_DATA")
        from datasets import load_dataset_builder

        self._recipe = recipe
        with data_errors(f"the Hub's {recipe.hub}"):
            self._builder = load_dataset_builder(recipe.hub)
            splits = self._builder.config.data_files or {}
        if recipe.split not in splits:
            there = ", ".join(map(str, splits)) or "none"
            raise DataError(f"{recipe.hub} has no split {recipe.split!r}; it has {there}")
        files = [str(file) for file in splits[recipe.split]]
        with data_errors(f"the Hub's {recipe.hub}"):
            self.count = self._counted(files)
        # Addresses of files name the commit.
        self.digest = hashlib.sha256(msgspec.json.encode((recipe, files))).hexdigest()
        rows = self.reader().read(HEAD)
        if not rows:
            raise DataError(f"the Hub's {recipe.hub} holds no images")
        self.head = Dataset(self.decode(rows), columns_of([row.cells for row in rows]))

    def _counted(self, files: Sequence[str]) -> int:
        split = (self._builder.info.splits or {}).get(self._recipe.split)
        if split is not None and split.num_examples:
            return int(split.num_examples)
        if not all(file.endswith(".parquet") for file in files):
            raise DataError(
                f"the Hub's {self._recipe.hub} does not say how many pictures it has",
                "fetch it, and give its folder as --data",
            )
        from huggingface_hub import HfFileSystem
        from pyarrow.parquet import read_metadata

        system = HfFileSystem()
        count = 0
        for file in files:
            with system.open(file) as content:
                count += read_metadata(content).num_rows
        return count

    def reader(self, place: Mapping[str, Any] | None = None) -> RowReader:
        """See `Stream`."""
        return HubReader(
            self._builder.as_streaming_dataset(self._recipe.split), self._recipe, place
        )

    def decode(self, rows: Sequence[Row]) -> Tensor:
        """See `Stream`."""
        import torch

        return torch.stack([decode_row(row, self._recipe) for row in rows])


class HubReader(RowReader):
    """Reads the rows of a split with `datasets`, whose state says where it stands."""

    def __init__(
        self, rows: IterableDataset, recipe: DataRecipe, place: Mapping[str, Any] | None
    ) -> None:
        self._rows, self._recipe = rows.decode(False), recipe
        self._number = 0
        if place is not None:
            self._number = place["row"]
            self._rows.load_state_dict(place["state"])
        self._examples = iter(self._rows)
        # At the end of the process there is nothing left that its generators could be closed with.
        weakref.finalize(self, self._examples.close)

    def read(self, n: int) -> list[Row]:
        """See `RowReader`."""
        from datasets import config
        from huggingface_hub.constants import HF_HUB_CACHE

        recipe, first = self._recipe, self._number
        where = f"the Hub's {recipe.hub}"
        with data_errors(where):
            examples = list(islice(self._examples, n))
            self._number += len(examples)
            if not examples:
                return []
            features = self._rows.features or dict.fromkeys(examples[0])
            chunk = {name: [example.get(name) for example in examples] for name in features}
            caches = (Path(HF_HUB_CACHE), Path(config.HF_DATASETS_CACHE))
            table = rows_of_table([chunk], features, recipe, where, caches, first)
            return list(renamed(table, recipe))

    def place(self) -> dict[str, Any]:
        """See `RowReader`."""
        return {"row": self._number, "state": self._rows.state_dict()}
