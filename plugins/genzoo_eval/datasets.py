"""Which images a dataset's name stands for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.picture_files import find_pictures
from genzoo_core.recipe import DataRecipe
from genzoo_core.zoo import Zoo

if TYPE_CHECKING:
    from torch import Tensor

FEATURES = "features"
"""Family of the feature nets."""


def feature_cards(zoo: Zoo, dataset: str | None = None) -> tuple[ModelCard, ...]:
    """Cards of the feature nets of one dataset, or of all, in the order of their names."""
    cards = (card for card in zoo.cards() if card.kind == "encoder" and card.family == FEATURES)
    found = (card for card in cards if dataset in (None, card.dataset))
    return tuple(sorted(found, key=lambda card: card.name))


def dataset_names(zoo: Zoo) -> tuple[str, ...]:
    """Names of the datasets that there are feature nets for."""
    return tuple(sorted({card.dataset for card in feature_cards(zoo)}))


def require_dataset(zoo: Zoo, dataset: str) -> None:
    """Raise a `UsageError` that names the datasets with feature nets where this one has none."""
    names = dataset_names(zoo)
    if dataset not in names:
        there = f"there are some for {', '.join(names)}" if names else "there are none"
        hint = did_you_mean(dataset, names) or "ship one: an encoder whose card says this dataset"
        if Path(dataset).is_dir():
            hint = "give the name of the dataset here, and the folder that holds it as --data"
        raise UsageError(f"no feature net for the dataset {dataset!r}; {there}", hint)


def own_dataset(zoo: Zoo, model: str) -> str:
    """The dataset on the model's card, or on the one in its file.

    Raises:
        UsageError: It says none, or one without feature nets.
        GenzooError: There is no such model.
    """
    dataset = zoo.card(model).dataset
    if not dataset:
        raise UsageError(f"{model} does not say what it was trained on", "give --reference")
    require_dataset(zoo, dataset)
    return dataset


def data_recipe(zoo: Zoo, dataset: str, split: str) -> DataRecipe:
    """How a split of a dataset is read: as its feature nets were trained on it.

    Raises:
        UsageError: There is no feature net for it.
    """
    require_dataset(zoo, dataset)
    card = feature_cards(zoo, dataset)[0]
    return msgspec.structs.replace(zoo.recipe(card.name).data, split=split)


def parse_data(zoo: Zoo, text: str | None) -> tuple[str | None, Path | None]:
    """The dataset that `--data` names, if it does, and the folder that holds it; None for the Hub.

    `GENZOO_DATA` is the folder where the text names none.
    """
    environment = os.environ.get("GENZOO_DATA")
    default = Path(environment) if environment else None
    if text is None:
        return None, default
    names = dataset_names(zoo)
    if text in names:
        return text, default
    folder = Path(text)
    if not folder.is_dir():
        raise UsageError(
            f"{text!r} is neither a dataset nor a folder",
            did_you_mean(text, names) or f"the datasets are {', '.join(names) or 'none'}",
        )
    inside = folder.resolve().name
    return (inside, folder) if inside in names else (None, folder)


def digest_of(images: Tensor) -> str:
    """The sha256 of images, uint8 `[M, C, H, W]`, by which reports name their test images."""
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()


def fingerprint(dataset: str, folder: Path | None) -> str:
    """What differs between two copies of a dataset, without reading them: sizes and times."""
    if folder is None:
        return "hub"
    home = folder / dataset if (folder / dataset).is_dir() else folder
    found = find_pictures(home)
    files = ((file, file.stat()) for file in (*found.pictures, *found.others) if file.exists())
    stamps = sorted(
        (str(file.relative_to(home)), status.st_size, status.st_mtime_ns) for file, status in files
    )
    return hashlib.sha256(repr(stamps).encode()).hexdigest()
