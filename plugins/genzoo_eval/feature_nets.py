"""The feature nets of a dataset: those that ship, those that are named, or its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from genzoo_core.encoder import Encoder, check_continuous
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import (
    Measured,
    OwnData,
    data_recipe,
    dataset_name,
    feature_cards,
    require_dataset,
)
from genzoo_eval.frozen_net import FrozenNet
from genzoo_eval.nets.backbone import PREFIX, open_backbone
from genzoo_eval.nets.inception import NAME as INCEPTION
from genzoo_eval.nets.inception import open_inception
from genzoo_eval.own_nets import own_nets
from genzoo_eval.progress import OnProgress


def load_nets(
    zoo: Zoo,
    dataset: Measured,
    names: tuple[str, ...] = (),
    tell: Callable[[str], None] = lambda _: None,
    on_progress: OnProgress = lambda *_: None,
) -> tuple[FrozenNet, ...]:
    """The feature nets of a dataset, or those that are named.

    Args:
        names: Of models of the zoo, or paths of model files; "inception" and "timm:BACKBONE" are
            nets of every dataset. None for the dataset's own, which for somebody's own pictures
            are cached, or else trained.
        tell: Called with what is done, in a line.
        on_progress: Called with the steps of a net's training.

    Raises:
        UsageError: There is none for the dataset, or a name is no feature net, or one that takes
            other images.
        GenzooError: One cannot be loaded.
    """
    if not names:
        if isinstance(dataset, OwnData):
            return own_nets(dataset, tell, on_progress)
        require_dataset(zoo, dataset)
        names = tuple(card.name for card in feature_cards(zoo, dataset))
    nets = tuple(_load(zoo, name, dataset) for name in dict.fromkeys(names))
    for net in nets:
        check_takes(
            net.name,
            net.encoder.encode,
            dataset_name(dataset),
            data_recipe(zoo, dataset, "test").shape,
        )
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


def _load(zoo: Zoo, name: str, dataset: Measured) -> FrozenNet:
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
