"""Real images, as the feature nets see them: what generated ones are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import UsageError
from genzoo_core.zoo import Zoo
from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.datasets import Measured, dataset_name, digest_of, fingerprint, read_split
from genzoo_eval.distribution import distribution_figures, image_figures
from genzoo_eval.frozen_net import FrozenNet, classifier_of
from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation
from genzoo_eval.progress import OnProgress
from genzoo_eval.real import RealFeatures, check_enough, measure, scarce
from genzoo_eval.report_store import METHOD
from genzoo_eval.settings import FEWEST
from genzoo_eval.spread import everywhere, writes

Tell = Callable[[str], None]

Floors = dict[tuple[str, str], float]
"""By (key, name of the net)."""

FEW_TEST = 200
"""Test images below which a report says that its figures are rough."""

DRAWS = 5
"""Draws of real images whose mean is the floor."""


@dataclass(frozen=True)
class Reference:
    """A dataset to compare with.

    Generated images are compared with the test images; the floor of a figure is what as many
    training images get. Where there are few test images (see `scarce`), the two change places:
    generated images are compared with the training images, in draws of as many as there are test
    images, and the floor is that of the test images. A model that has learnt its training images
    by heart is then below the floor, which the figures of copies tell.

    Attributes:
        test: Test images, uint8 `[M, C, H, W]`.
        frequencies: Of the classes among the test images, `[classes]`, or None without labels.
        floors: By (key, name of the net), the figure of real images in the place of generated
            ones; for the accuracy, which the classifier's own training images would flatter, of
            the test images.
        draw: Where test images are scarce, how many images are compared at a time.
    """

    dataset: str
    digest: str
    test: Tensor
    frequencies: Tensor | None
    nets: tuple[RealFeatures, ...]
    floors: Floors
    draw: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """How far to trust figures beside it, a sentence each."""
        count = len(self.test)
        if count >= FEW_TEST:
            return ()
        return (f"rough figures: there are {count} test images; {FEW_TEST} or more are better",)


def cached_features(
    zoo: Zoo, net: FrozenNet, images: Tensor, tell: Tell = lambda _: None
) -> Tensor:
    """Features of training images uint8 `[N, C, H, W]`, float32 `[N, D]`; they are cached."""
    return _cached(
        zoo,
        ("neighbours", METHOD, digest_of(images), net.sha256),
        lambda: {"train": net.features(images)},
        lambda: tell(f"looking at the training images with {net.name}"),
    )["train"]


def _cached(
    zoo: Zoo,
    depends: tuple[object, ...],
    make: Callable[[], dict[str, Tensor]],
    announce: Callable[[], None] = lambda: None,
) -> dict[str, Tensor]:
    """Tensors from the user's cache, or else made and cached."""
    cache, name = zoo.cache("eval"), hashlib.sha256(repr(depends).encode()).hexdigest()[:32]
    tensors = everywhere(load_tensors(cache, name))
    if tensors is None:
        announce()
        tensors = make()
        if writes():
            save_tensors(cache, name, tensors)
    return tensors


def read_reference(
    zoo: Zoo,
    dataset: Measured,
    folder: Path | None,
    nets: tuple[FrozenNet, ...],
    n: int,
    tell: Tell = lambda _: None,
    on_progress: OnProgress = lambda *_: None,
) -> Reference:
    """Read a dataset, and measure its training images against its test images; cached.

    Args:
        n: Images that will be compared: the floor is that of as many.

    Raises:
        DataError: It cannot be read, or has too few test images.
        UsageError: It has fewer training images than `n`.
    """
    named = dataset_name(dataset)
    tell(f"reading the test images of {named}")
    test = read_split(zoo, dataset, "test", folder)
    check_enough(test.images)
    digest = digest_of(test.images)
    copy = fingerprint(dataset, folder)
    train: list[Dataset] = []

    def training_images() -> Tensor:
        if not train:
            tell(f"reading the training images of {named}")
            train.append(read_split(zoo, dataset, "train", folder))
            # Before the nets see them, which takes minutes.
            if not scarce(len(test.images), len(train[0].images)):
                _require_as_many(n, len(train[0].images))
        return train[0].images

    def cached(
        make: Callable[[], dict[str, Tensor]], kind: str, *depends: str, doing: str = ""
    ) -> dict[str, Tensor]:
        key = (METHOD, kind, digest, copy, *depends)
        return _cached(zoo, key, make, lambda: tell(doing) if doing else None)

    def features(net: FrozenNet) -> RealFeatures:
        tensors = cached(
            lambda: measure(net, test.images, training_images(), on_progress),
            "features",
            net.sha256,
            doing=f"computing the features of the real images with {net.name}",
        )
        return RealFeatures.of(net, tensors)

    real = [features(net) for net in nets]
    swapped = real[0].swapped

    def measured_floors() -> dict[str, Tensor]:
        if not swapped:
            _require_as_many(n, len(real[0].baseline))
        found = _floors(real, test.images if swapped else training_images(), n)
        return _doubles({f"{key} {net}": value for (key, net), value in found})

    of_nets = (f"{net.name} {net.sha256}" for net in nets)
    floors: Floors = {}
    for joined, value in cached(measured_floors, "floor", *of_nets, str(n)).items():
        key, _, name = joined.partition(" ")
        floors[key, name] = value.item()
    judge, frequencies = classifier_of(nets), None
    if judge is not None:
        classes = cached(
            lambda: {"test": judge.classes(test.images), "train": judge.classes(training_images())},
            "classes",
            judge.sha256,
            doing=f"classifying the real images with {judge.name}",
        )
        frequencies = class_frequencies(classes["test"], judge.class_count)
        of_classes = partial(_class_floors, judge, classes, frequencies, test, n)
        for key, value in cached(of_classes, "class-floor", judge.sha256, str(n)).items():
            floors[key, judge.name] = value.item()
    draw = len(test.images) if swapped else None
    return Reference(named, digest, test.images, frequencies, tuple(real), floors, draw)


def _require_as_many(n: int, training: int) -> None:
    if n > training:
        raise UsageError(
            f"the floor of {n:,} images needs as many training images; there are {training:,}",
            f"give at most -n {training}" if training >= FEWEST else "give more training images",
        )


def _floors(
    real: Sequence[RealFeatures], images: Tensor, n: int
) -> Iterator[tuple[tuple[str, str], float]]:
    """Figures of `n` of the baseline's images uint8 `[M, C, H, W]`, the mean of five draws."""
    draws: dict[tuple[str, str], list[float]] = {}
    for seed, rows in enumerate(_draws(len(images), n)):
        for features in real:
            drawn = features.baseline[rows]
            for figure in distribution_figures(drawn, features, seed, errors=False):
                draws.setdefault((figure.key, features.net.name), []).append(figure.value)
        for figure in image_figures(images[rows]):
            draws.setdefault((figure.key, ""), []).append(figure.value)
    return ((key, fmean(values)) for key, values in draws.items())


def _class_floors(
    judge: FrozenNet, classes: Mapping[str, Tensor], frequencies: Tensor, test: Dataset, n: int
) -> dict[str, Tensor]:
    """The floors, by key, of what the classifier says of generated images."""
    found: dict[str, float] = {}
    count = len(frequencies)
    labels = judge.labels(test)
    if labels is not None and bool((labels < count).any()):
        there = labels < count  # not every image need have a label
        accuracy = class_accuracy(classes["test"][there], labels[there], count)
        found["accuracy"] = accuracy.overall
    found["class_tv"] = fmean(
        total_variation(class_frequencies(classes["train"][rows], count), frequencies)
        for rows in _draws(len(classes["train"]), n)
    )
    return _doubles(found)


def _doubles(values: Mapping[str, float]) -> dict[str, Tensor]:
    return {key: torch.tensor(value, dtype=torch.float64) for key, value in values.items()}


def _draws(total: int, n: int) -> Iterator[Tensor]:
    for seed in range(DRAWS):
        yield torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:n]
