"""Which images a model is measured with: a dataset that feature nets ship for, or one's own."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.dataset import Dataset, Row
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.picture_files import find_pictures
from genzoo_core.recipe import DataRecipe
from genzoo_core.zoo import Zoo

if TYPE_CHECKING:
    from torch import Tensor

FEATURES = "features"
"""Family of the feature nets."""


@dataclass(frozen=True)
class OwnData:
    """Somebody's own pictures, which no feature net ships for; each split is read once.

    Attributes:
        zoo: Reads them.
        recipe: As what they are read; its split is the one that models are trained on.
        folder: Where they lie.
    """

    zoo: Zoo
    recipe: DataRecipe
    folder: Path

    @cached_property
    def train(self) -> Dataset:
        """The training images."""
        return self.zoo.dataset(self.recipe, self.folder)

    @property
    def _test(self) -> DataRecipe:
        return msgspec.structs.replace(self.recipe, split="test")

    @cached_property
    def test(self) -> Dataset:
        """The test images, or those that are set aside."""
        return self.zoo.dataset(self._test, self.folder)

    def test_rows(self) -> Iterator[Row]:
        """They, one by one, for who needs a few."""
        return self.zoo.rows(self._test, self.folder)


Measured = str | OwnData
"""What a model is measured with: the name of a dataset with feature nets, or one's own pictures."""


def dataset_name(dataset: Measured) -> str:
    """What reports call a dataset."""
    return dataset if isinstance(dataset, str) else dataset.recipe.name


def read_split(zoo: Zoo, dataset: Measured, split: str, folder: Path | None) -> Dataset:
    """The images "train" or "test" of a dataset.

    Raises:
        DataError: It cannot be read.
        UsageError: There is no feature net for it.
    """
    if isinstance(dataset, OwnData):
        return dataset.test if split == "test" else dataset.train
    return zoo.dataset(data_recipe(zoo, dataset, split), folder)


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
        hint = did_you_mean(dataset, names) or "give the folder with its pictures as --data"
        if Path(dataset).is_dir():
            hint = f"if that is a folder of pictures: --data {shlex.quote(dataset)}"
        raise UsageError(f"no feature net for the dataset {dataset!r}; {there}", hint)


def own_dataset(zoo: Zoo, model: str) -> str:
    """The dataset on the model's card, or on the one in its file.

    Raises:
        UsageError: It says none, or one without feature nets.
        GenzooError: There is no such model.
    """
    dataset = zoo.card(model).dataset
    if not dataset:
        hint = "give --reference, or as --data the folder with the pictures"
        raise UsageError(f"{model} does not say what it was trained on", hint)
    require_dataset(zoo, dataset)
    return dataset


def data_recipe(zoo: Zoo, dataset: Measured, split: str) -> DataRecipe:
    """How a split of a dataset is read: as its feature nets were trained on it.

    Raises:
        UsageError: There is no feature net for it.
    """
    if isinstance(dataset, OwnData):
        return msgspec.structs.replace(dataset.recipe, split=split)
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
    return hashlib.sha256(images.contiguous().numpy().data).hexdigest()


def fingerprint(dataset: Measured, folder: Path | None) -> str:
    """What differs between two copies of a dataset, without reading them: sizes and times; of
    one's own pictures also as what they are read."""
    if isinstance(dataset, OwnData):
        return _stamped(dataset.folder, msgspec.json.encode(dataset.recipe, order="sorted"))
    if folder is None:
        return "hub"
    return _stamped(folder / dataset if (folder / dataset).is_dir() else folder)


def _stamped(home: Path, *depends: object) -> str:
    found = find_pictures(home)
    files = ((file, file.stat()) for file in (*found.pictures, *found.others) if file.exists())
    stamps = sorted(
        (str(file.relative_to(home)), status.st_size, status.st_mtime_ns) for file, status in files
    )
    return hashlib.sha256(repr((*depends, stamps) if depends else stamps).encode()).hexdigest()
