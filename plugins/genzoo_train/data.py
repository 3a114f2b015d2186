"""Reading a dataset into memory: a parquet folder, an image folder, or the Hub."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genzoo_core.errors import DataError
from genzoo_core.images import from_pil
from genzoo_core.recipe import DataRecipe
from genzoo_train.hub import open_hub

if TYPE_CHECKING:
    import datasets

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        columns: The other columns by name, each a list of N raw values.
    """

    images: Tensor
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def read_dataset(recipe: DataRecipe, folder: Path | None) -> Dataset:
    """The dataset that a recipe names.

    Args:
        recipe: What to read, and as what shape.
        folder: A folder that holds the dataset, itself or in a folder of its name: parquet
            files as on the Hub, or a folder of images. None for the Hub.

    Raises:
        DataError: It is not there or cannot be read; says what to do.
    """
    rows = open_hub(recipe) if folder is None else _open_folder(recipe, folder)
    where = f"the Hub's {recipe.hub}" if folder is None else str(folder)
    return _decode(rows, recipe, where)


def _open_folder(recipe: DataRecipe, folder: Path) -> datasets.IterableDataset:
    home = folder / recipe.name if (folder / recipe.name).is_dir() else folder
    if not home.is_dir():
        raise DataError(f"no folder {home}", f"give the folder that holds {recipe.name} as --data")
    split = recipe.split
    patterns = (f"{split}-*.parquet", f"{split}.parquet", f"{split}/*.parquet")
    for files in (sorted(home.glob(pattern)) for pattern in (*patterns, f"data/{split}-*.parquet")):
        if files:
            return _stream("parquet", data_files=[str(file) for file in files])
    pictures = home / split if (home / split).is_dir() else home
    if any(file.suffix.lower() in IMAGE_SUFFIXES for file in pictures.rglob("*")):
        return _stream("imagefolder", data_dir=str(pictures))
    raise DataError(
        f"{home} holds neither {patterns[0]} nor images",
        f"give the folder that holds {recipe.name} as --data",
    )


def _stream(kind: str, **where: Any) -> datasets.IterableDataset:
    """Rows read straight from the files: no second copy in a cache, no network."""
    from datasets import load_dataset

    return load_dataset(kind, split="train", streaming=True, **where)


def _decode(rows: datasets.IterableDataset, recipe: DataRecipe, where: str) -> Dataset:
    from datasets import Image

    try:
        known = list(rows.features or next(iter(rows.take(1)), {}))
        if recipe.image not in known:
            columns = ", ".join(known) or "none"
            raise DataError(f"{where} has no column {recipe.image!r}; its columns are {columns}")
        images: list[Tensor] = []
        columns_read: dict[str, list[Any]] = {name: [] for name in known if name != recipe.image}
        for chunk in rows.cast_column(recipe.image, Image(decode=False)).iter(batch_size=1000):
            for name, values in columns_read.items():
                values.extend(chunk[name])
            images.extend(
                _picture(cell, recipe, len(images), where) for cell in chunk[recipe.image]
            )
    except DataError:
        raise
    except Exception as error:  # whatever pyarrow and datasets raise on a damaged file
        raise DataError(f"{where} cannot be read: {' '.join(str(error).split())}") from error
    if not images:
        raise DataError(f"{where} holds no images")
    return Dataset(torch.stack(images), columns_read)


def _picture(cell: Mapping[str, Any], recipe: DataRecipe, row: int, where: str) -> Tensor:
    from PIL import Image

    try:
        source = io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else cell["path"]
        with Image.open(source) as image:
            return from_pil(image, recipe.shape, recipe.background)
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"image {row} of {where} cannot be read: {error}") from error
