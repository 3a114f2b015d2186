"""What real images have in the place of generated ones: the floor of each figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import UsageError
from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.distribution import distribution_figures, image_figures
from genzoo_eval.feature_nets import FrozenNet
from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation
from genzoo_eval.real import RealFeatures
from genzoo_eval.settings import FEWEST

DRAWS = 5
"""Draws of real images whose mean is the floor."""

Floors = dict[tuple[str, str], float]
"""By (key, name of the net)."""


def cached_floors(
    cache: Path | None,
    name: str,
    real: Sequence[RealFeatures],
    images: Callable[[], Tensor],
    n: int,
) -> Floors:
    """Figures of `n` of the images beside (see `RealFeatures.beside`), the mean of five draws.

    Where these are test images, of all of them if `n` is more.

    Args:
        cache: Where they are kept; None for nowhere.
        name: Under which name.
        real: The real images in each net.
        images: The images beside, uint8 `[M, C, H, W]`; called where they are needed.
        n: Images of a draw.

    Raises:
        UsageError: There are fewer training images than `n`.
    """
    tensors = load_tensors(cache, name)
    if tensors is None:
        if not real[0].swapped:
            require_as_many(n, len(real[0].beside))
        found = _measured(real, images(), n)
        tensors = {
            f"{key} {net}": torch.tensor(value, dtype=torch.float64)
            for (key, net), value in found.items()
        }
        save_tensors(cache, name, tensors)
    floors = {}
    for joined, value in tensors.items():
        key, _, net = joined.partition(" ")
        floors[key, net] = value.item()
    return floors


def require_as_many(n: int, training: int) -> None:
    """Check that there are training images to stand in the place of `n` generated ones.

    Raises:
        UsageError: There are fewer.
    """
    if n > training:
        raise UsageError(
            f"{n:,} images were asked for, and the floor needs as many training images; "
            f"there are {training:,}",
            f"ask for at most {training:,}" if training >= FEWEST else "give more of them",
        )


def _measured(real: Sequence[RealFeatures], images: Tensor, n: int) -> Floors:
    draws: dict[tuple[str, str], list[float]] = {}
    for seed, rows in enumerate(_draws(len(images), n)):
        for features in real:
            drawn = features.beside[rows]
            for figure in distribution_figures(drawn, features, seed, errors=False):
                draws.setdefault((figure.key, features.net.name), []).append(figure.value)
        for figure in image_figures(images[rows]):
            draws.setdefault((figure.key, ""), []).append(figure.value)
    return {key: fmean(values) for key, values in draws.items()}


def class_floors(
    judge: FrozenNet, seen: Mapping[str, Tensor], frequencies: Tensor, test: Dataset, n: int
) -> Floors:
    """What the classifier says of real images: the floors of what it says of generated ones.

    Args:
        judge: The classifier.
        seen: Classes that it sees in the "test" and the "train" images, int64.
        frequencies: Those of the test images.
        test: The test images, with their labels.
        n: Number of images that are compared.
    """
    found: Floors = {}
    classes = len(frequencies)
    labels = judge.labels(test)
    if labels is not None and bool((labels < classes).any()):
        there = labels < classes  # not every image need have a label
        accuracy = class_accuracy(seen["test"][there], labels[there], classes)
        found["accuracy", judge.name] = accuracy.overall
    found["class_tv", judge.name] = fmean(
        total_variation(class_frequencies(seen["train"][rows], classes), frequencies)
        for rows in _draws(len(seen["train"]), n)
    )
    return found


def _draws(total: int, n: int) -> Iterator[Tensor]:
    """Indices of `n` of so many images, five times."""
    for seed in range(DRAWS):
        yield torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:n]
