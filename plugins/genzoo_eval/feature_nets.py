"""The frozen nets in whose features images are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.encoder import Encoder, check_continuous
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.images import from_uint8
from genzoo_core.rng import BatchRng
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import data_recipe, feature_cards, require_dataset
from genzoo_eval.nets.backbone import PREFIX, open_backbone
from genzoo_eval.nets.classifier import Classifier
from genzoo_eval.nets.inception import NAME as INCEPTION
from genzoo_eval.nets.inception import open_inception

BATCH = 250


@dataclass(frozen=True)
class FrozenNet:
    """A feature net of the zoo, and the sha256 of its weights."""

    name: str
    sha256: str
    encoder: Encoder

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Features, float32 `[N, D]`, of images uint8 `[N, C, H, W]`."""
        parts = torch.split(images, BATCH)
        return torch.cat([self.encoder.encode(from_uint8(x)).mean.flatten(1) for x in parts])

    @property
    def class_count(self) -> int:
        """The number of classes that a classifier tells apart; 0 for another net."""
        return self.encoder.classes if isinstance(self.encoder, Classifier) else 0

    @torch.inference_mode()
    def classes(self, images: Tensor) -> Tensor:
        """The class that a classifier sees in each image uint8 `[N, C, H, W]`, int64 `[N]`.

        Raises:
            TypeError: The net is no classifier.
        """
        if not isinstance(self.encoder, Classifier):
            raise TypeError(f"{self.name} is no classifier")
        parts = torch.split(images, BATCH)
        return torch.cat([self.encoder.logits(from_uint8(part)).argmax(1) for part in parts])

    def labels(self, data: Dataset) -> Tensor | None:
        """The labels of a dataset in the numbering of `classes`, int64 `[N]`, from the column that
        is called as the conditioner is; None where there is none, or the net is no classifier."""
        if not isinstance(self.encoder, Classifier) or self.encoder.label not in data.columns:
            return None
        values = data.columns[self.encoder.label]
        rng = BatchRng(torch.Generator(), len(values))
        return self.encoder.conditioners[self.encoder.label].prepare(values, rng)


def load_nets(zoo: Zoo, dataset: str, names: tuple[str, ...] = ()) -> tuple[FrozenNet, ...]:
    """The feature nets of a dataset, or those that are named.

    Args:
        names: Of models of the zoo, or paths of model files; "inception" and "timm:BACKBONE" are
            nets of every dataset. None for the dataset's own.

    Raises:
        UsageError: There is none for the dataset, or a name is no feature net, or one that takes
            other images.
        GenzooError: One cannot be loaded.
    """
    if not names:
        require_dataset(zoo, dataset)
        names = tuple(card.name for card in feature_cards(zoo, dataset))
    nets = tuple(_load(zoo, name, dataset) for name in dict.fromkeys(names))
    for net in nets:
        check_takes(net.name, net.encoder.encode, dataset, data_recipe(zoo, dataset, "test").shape)
    return nets


def check_takes(
    name: str, look: Callable[[Tensor], object], dataset: str, shape: tuple[int, ...]
) -> None:
    """Raise a `UsageError` where a network takes no images (C, H, W) of a dataset, before hours of
    work on others."""
    try:
        with torch.inference_mode():
            look(torch.zeros(1, *shape))
    except Exception as error:  # networks raise what they like
        sizes = "×".join(map(str, shape))
        raise UsageError(f"{name} takes no images of {dataset}, which are {sizes}") from error


def _load(zoo: Zoo, name: str, dataset: str) -> FrozenNet:
    if name == INCEPTION:
        inception, sha256 = open_inception()
        return FrozenNet(name, sha256, inception)
    if name.startswith(PREFIX):
        encoder, sha256 = open_backbone(zoo, name, data_recipe(zoo, dataset, "test").shape)
        return FrozenNet(name, sha256, encoder)
    card = zoo.card(name)
    if card.kind != "encoder":
        names = (card.name for card in feature_cards(zoo))
        there = ", ".join([*names, INCEPTION, f"{PREFIX}BACKBONE"])
        raise UsageError(f"{card.name} is no feature net; there are {there}")
    opened = zoo.open(name)
    if not isinstance(opened.module, Encoder):
        raise GenzooError(f"{card.name} is no encoder")
    check_continuous(opened.module, "a comparison of features")
    return FrozenNet(card.name, opened.sha256, opened.module)


def classifier_of(nets: Iterable[FrozenNet]) -> FrozenNet | None:
    """The first classifier among the nets."""
    return next((net for net in nets if net.class_count), None)
