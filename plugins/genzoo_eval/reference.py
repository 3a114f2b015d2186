"""Real images, as the feature nets see them: what generated ones are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import data_recipe, fingerprint
from genzoo_eval.distribution import distribution_figures, image_figures
from genzoo_eval.feature_nets import FrozenNet, classifier_of
from genzoo_eval.kept import keep, kept
from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation
from genzoo_eval.metrics.frechet import Moments
from genzoo_eval.metrics.manifold import Manifold
from genzoo_eval.metrics.neighbours import nearest, nearest_other

DRAWS = 5
"""Draws of training images whose mean is the floor."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class RealFeatures:
    """Real images in the features of one net.

    Attributes:
        net: The net.
        test: Of the test images, float32 `[M, D]`.
        train: Of the training images, float32 `[T, D]`.
        moments: Of the test images.
        manifold: Of the test images, with the balls that the metrics need.
        unseen: Distance of each test image from the nearest training image, `[M]`.
        apart: Distance of each test image from the nearest other one, `[M]`.
    """

    net: FrozenNet
    test: Tensor
    train: Tensor
    moments: Moments
    manifold: Manifold
    unseen: Tensor
    apart: Tensor


@dataclass(frozen=True)
class Reference:
    """A dataset to compare with.

    Attributes:
        dataset: Its name.
        digest: Of the test images.
        test: Test images, uint8 `[M, C, H, W]`.
        frequencies: Of the classes among the test images, `[classes]`, or None without labels.
        nets: What each feature net sees.
        floors: By (key, name of the net), the figure that as many training images have; for the
            accuracy, which the classifier's own training images would flatter, the test images.
    """

    dataset: str
    digest: str
    test: Tensor
    frequencies: Tensor | None
    nets: tuple[RealFeatures, ...]
    floors: Mapping[tuple[str, str], float]


def read_reference(
    zoo: Zoo,
    dataset: str,
    folder: Path | None,
    nets: tuple[FrozenNet, ...],
    n: int,
    tell: Tell = lambda _: None,
) -> Reference:
    """Read a dataset, and measure its training images against its test images.

    What is computed is kept in the user's cache.

    Args:
        zoo: Reads the data.
        dataset: Name of a dataset that there are feature nets for.
        folder: What holds it; None for the Hub.
        nets: The feature nets.
        n: Number of images that will be compared: the floor is that of as many.
        tell: Told what takes a while.

    Raises:
        DataError: It cannot be read, or has fewer training images than `n`.
    """
    tell(f"reading the test images of {dataset}")
    test = zoo.dataset(data_recipe(zoo, dataset, "test"), folder)
    digest = hashlib.sha256(test.images.numpy().tobytes()).hexdigest()
    cache = zoo.cache("eval")
    copy = fingerprint(dataset, folder)
    train: list[Dataset] = []

    def training_images() -> Tensor:
        if not train:
            tell(f"reading the training images of {dataset}")
            train.append(zoo.dataset(data_recipe(zoo, dataset, "train"), folder))
        return train[0].images

    real = []
    for net in nets:
        name = _file_name("features", digest, copy, net.sha256)
        tensors = kept(cache, name)
        if tensors is None:
            tell(f"looking at the real images with {net.name}")
            tensors = _look(net, test.images, training_images())
            keep(cache, name, tensors)
        real.append(_real_features(net, tensors))
    floors = _floors(real, test, training_images, n, cache, _file_name("floor", digest, copy))
    judge, frequencies = classifier_of(nets), None
    if judge is not None and judge.conditioner is not None and judge.conditioner.categories:
        name = _file_name("classes", digest, copy, judge.sha256)
        seen = kept(cache, name)
        if seen is None:
            tell(f"naming the real images with {judge.name}")
            seen = {"test": judge.classes(test.images), "train": judge.classes(training_images())}
            keep(cache, name, seen)
        frequencies = class_frequencies(seen["test"], judge.conditioner.categories)
        floors |= _class_floors(judge, seen, frequencies, test, n)
    return Reference(dataset, digest, test.images, frequencies, tuple(real), floors)


def _file_name(*parts: str) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _look(net: FrozenNet, test: Tensor, train: Tensor) -> dict[str, Tensor]:
    seen = {"test": net.features(test), "train": net.features(train)}
    manifold = Manifold.of(seen["test"], 3, 5)
    return seen | {
        "radii.3": manifold.squared_radii[3],
        "radii.5": manifold.squared_radii[5],
        "unseen": nearest(seen["test"], seen["train"]).distance,
        "apart": nearest_other(seen["test"]).distance,
    }


def _real_features(net: FrozenNet, tensors: Mapping[str, Tensor]) -> RealFeatures:
    test = tensors["test"]
    manifold = Manifold(test, {k: tensors[f"radii.{k}"] for k in (3, 5)})
    return RealFeatures(
        net, test, tensors["train"], Moments.of(test), manifold, tensors["unseen"], tensors["apart"]
    )


def _floors(
    real: Sequence[RealFeatures],
    test: Dataset,
    training_images: Callable[[], Tensor],
    n: int,
    cache: Path | None,
    name: str,
) -> dict[tuple[str, str], float]:
    """Figures of `n` training images in the place of generated ones, the mean of five draws."""
    names = ",".join(features.net.sha256 for features in real)
    name = _file_name(name, names, str(n))
    tensors = kept(cache, name)
    if tensors is None:
        total = len(real[0].train)
        if n > total:
            raise DataError(
                f"{n:,} images were asked for, and the floor needs as many training images; "
                f"there are {total:,}",
                f"ask for at most {total:,}",
            )
        draws: dict[tuple[str, str], list[float]] = {}
        for seed, rows in enumerate(_draws(total, n)):
            for features in real:
                for figure in distribution_figures(features.train[rows], features, seed):
                    draws.setdefault((figure.key, features.net.name), []).append(figure.value)
            for figure in image_figures(training_images()[rows]):
                draws.setdefault((figure.key, ""), []).append(figure.value)
        tensors = {
            f"{key} {net}": torch.tensor(fmean(values), dtype=torch.float64)
            for (key, net), values in draws.items()
        }
        keep(cache, name, tensors)
    floors = {}
    for joined, value in tensors.items():
        key, _, net = joined.partition(" ")
        floors[key, net] = value.item()
    return floors


def _class_floors(
    judge: FrozenNet, seen: Mapping[str, Tensor], frequencies: Tensor, test: Dataset, n: int
) -> dict[tuple[str, str], float]:
    """What the classifier says of real images: the floors of what it says of generated ones.

    Args:
        judge: The classifier.
        seen: Classes that it sees in the "test" and the "train" images, int64.
        frequencies: Those of the test images.
        test: The test images, with their labels.
        n: Number of images that are compared.
    """
    found = {}
    classes = len(frequencies)
    labels = judge.labels(test)
    if labels is not None:
        found["accuracy", judge.name] = class_accuracy(seen["test"], labels, classes).overall
    found["class_tv", judge.name] = fmean(
        total_variation(class_frequencies(seen["train"][rows], classes), frequencies)
        for rows in _draws(len(seen["train"]), n)
    )
    return found


def _draws(total: int, n: int) -> Iterator[Tensor]:
    """Indices of `n` of the training images, five times."""
    for seed in range(DRAWS):
        yield torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:n]
