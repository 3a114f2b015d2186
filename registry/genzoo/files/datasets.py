"""Reading a dataset into memory: a parquet folder, an image folder, or the Hub."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError, GenzooError
from genzoo_core.images import FORMATS, from_pil
from genzoo_core.recipe import DataRecipe

if TYPE_CHECKING:
    import datasets

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")

PATIENCE = 2.0
"""Seconds to wait for the Hub's first answer; `datasets` alone would retry for minutes."""


def read_dataset(recipe: DataRecipe, folder: Path | None) -> Dataset:
    """The dataset that a recipe names.

    `folder` holds it, itself or in a folder of its name: parquet files as on the Hub, or images,
    in folders by label or not. Without one it comes from the Hub.
    """
    if find_spec("datasets") is None:
        raise DataError(
            f"reading {recipe.name} needs the library datasets, which is not installed",
            "`pip install 'genzoo[train]'`",
        )
    where = f"the Hub's {recipe.hub}" if folder is None else str(folder)
    try:
        rows = _open_hub(recipe) if folder is None else _open_folder(recipe, folder)
        return _decode(rows, recipe, where)
    except GenzooError:
        raise
    except Exception as error:  # whatever pyarrow and datasets raise on a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{where} cannot be read: {reason}") from error


def _open_hub(recipe: DataRecipe) -> datasets.IterableDataset:
    """The rows of the recipe's dataset on the Hub, from its cache where it is there."""
    folder = f"give a folder that holds {recipe.name}: --data DIR, or GENZOO_DATA"
    if not recipe.hub:
        raise DataError(f"no data for {recipe.name}", folder)
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:
        _check_hub(recipe.hub, folder)
    from datasets import load_dataset

    try:
        return load_dataset(recipe.hub, split=recipe.split).to_iterable_dataset()
    except Exception as error:
        reason = " ".join(str(error).split())
        raise DataError(f"cannot load {recipe.hub} from the Hub: {reason}", folder) from error


def _check_hub(name: str, folder: str) -> None:
    """One short request before the long ones, in a thread: no timeout covers looking a host up."""
    from huggingface_hub import HfApi

    faults: list[str] = []

    def request() -> None:
        try:
            HfApi().dataset_info(name, timeout=PATIENCE)
            faults.append("")
        except Exception as error:
            faults.append((str(error).strip().splitlines() or [type(error).__name__])[0])

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not faults:
        raise DataError(f"the Hub does not answer, where {name} is", folder)
    if faults[0]:
        raise DataError(f"the Hub does not give {name}: {faults[0]}", folder)


def _open_folder(recipe: DataRecipe, folder: Path) -> datasets.IterableDataset:
    """The rows straight from the files: no second copy in a cache, no network."""
    from datasets import load_dataset

    kind, files = _files(recipe, folder)
    return load_dataset(kind, data_files={"train": files}, split="train", streaming=True)


def _files(recipe: DataRecipe, folder: Path) -> tuple[str, list[str]]:
    """What kind of files hold the split, and which."""
    home = folder / recipe.name if (folder / recipe.name).is_dir() else folder
    hint = f"give the folder that holds {recipe.name} as --data"
    if not home.is_dir():
        raise DataError(f"there is no folder {home}", hint)
    split = recipe.split
    for pattern in (f"{split}-*", split, f"{split}/*", f"data/{split}-*"):
        if files := sorted(home.glob(f"{pattern}.parquet")):
            return "parquet", [str(file) for file in files]
    pictures = home / split if (home / split).is_dir() else home
    # No deeper: a folder given by mistake must not be searched for whatever lies below it.
    found = sorted([*pictures.glob("*"), *pictures.glob("*/*")])
    images = [str(file) for file in found if file.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise DataError(f"{home} holds neither {split}-*.parquet nor images", hint)
    return "imagefolder", images


def _decode(rows: datasets.IterableDataset, recipe: DataRecipe, where: str) -> Dataset:
    from datasets import Image

    known = list(rows.features or next(iter(rows.take(1)), {}))
    if recipe.image not in known:
        columns = ", ".join(known) or "none"
        raise DataError(f"{where} has no column {recipe.image!r}; its columns are {columns}")
    images: list[Tensor] = []
    others: dict[str, list[object]] = {name: [] for name in known if name != recipe.image}
    for chunk in rows.cast_column(recipe.image, Image(decode=False)).iter(batch_size=1000):
        for name, values in others.items():
            values.extend(chunk[name])
        for cell in chunk[recipe.image]:
            images.append(_picture(cell, recipe, len(images), where))
    if not images:
        raise DataError(f"{where} holds no images")
    return Dataset(torch.stack(images), others)


def _picture(cell: Mapping[str, Any], recipe: DataRecipe, row: int, where: str) -> Tensor:
    from PIL import Image

    try:
        source = io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else cell["path"]
        with Image.open(source, formats=FORMATS) as image:
            return from_pil(image, recipe.shape, recipe.background)
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"image {row} of {where} cannot be read: {error}") from error
