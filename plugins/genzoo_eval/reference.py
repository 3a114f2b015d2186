"""Real images, as the feature nets see them: what generated ones are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.zoo import Zoo
from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.datasets import data_recipe, digest_of, fingerprint
from genzoo_eval.feature_nets import FrozenNet, classifier_of
from genzoo_eval.floors import cached_floors, class_floors, require_as_many
from genzoo_eval.metrics.classes import class_frequencies
from genzoo_eval.real import RealFeatures, check_enough, look, real_features, scarce
from genzoo_eval.report_store import METHOD

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Reference:
    """A dataset to compare with.

    Generated images are compared with the test images, beside as many training images. Where
    there are few test images (see `scarce`), the two change places: generated images are
    compared with the training images, in draws of as many as there are test images, beside the
    test images. What learnt its training images by heart is then below the floor, which the
    figures of copies tell.

    Attributes:
        dataset: Its name.
        digest: Of the test images.
        test: Test images, uint8 `[M, C, H, W]`.
        frequencies: Of the classes among the test images, `[classes]`, or None without labels.
        nets: What each feature net sees.
        floors: By (key, name of the net), the figure that as many training images have; for the
            accuracy, which the classifier's own training images would flatter, the test images.
        draw: Where test images are scarce, how many images are compared at a time.
    """

    dataset: str
    digest: str
    test: Tensor
    frequencies: Tensor | None
    nets: tuple[RealFeatures, ...]
    floors: Mapping[tuple[str, str], float]
    draw: int | None = None


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
        DataError: It cannot be read, or has too few test images.
        UsageError: It has fewer training images than `n`.
    """
    tell(f"reading the test images of {dataset}")
    test = zoo.dataset(data_recipe(zoo, dataset, "test"), folder)
    check_enough(test.images)
    digest = digest_of(test.images)
    cache = zoo.cache("eval")
    copy = fingerprint(dataset, folder)
    train: list[Dataset] = []

    def training_images() -> Tensor:
        if not train:
            tell(f"reading the training images of {dataset}")
            train.append(zoo.dataset(data_recipe(zoo, dataset, "train"), folder))
            # Before they are looked at, which takes minutes.
            if not scarce(len(test.images), len(train[0].images)):
                require_as_many(n, len(train[0].images))
        return train[0].images

    real = []
    for net in nets:
        name = _file_name("features", digest, copy, net.sha256)
        tensors = load_tensors(cache, name)
        if tensors is None:
            tell(f"looking at the real images with {net.name}")
            tensors = look(net, test.images, training_images())
            save_tensors(cache, name, tensors)
        real.append(real_features(net, tensors))

    def beside() -> Tensor:
        return test.images if real[0].swapped else training_images()

    name = _file_name("floor", digest, copy, *(f"{net.name} {net.sha256}" for net in nets), str(n))
    floors = cached_floors(cache, name, real, beside, n)
    judge, frequencies = classifier_of(nets), None
    if judge is not None and judge.conditioner is not None and judge.conditioner.categories:
        name = _file_name("classes", digest, copy, judge.sha256)
        seen = load_tensors(cache, name)
        if seen is None:
            tell(f"naming the real images with {judge.name}")
            seen = {"test": judge.classes(test.images), "train": judge.classes(training_images())}
            save_tensors(cache, name, seen)
        frequencies = class_frequencies(seen["test"], judge.conditioner.categories)
        floors |= class_floors(judge, seen, frequencies, test, n)
    draw = len(test.images) if real[0].swapped else None
    return Reference(dataset, digest, test.images, frequencies, tuple(real), floors, draw)


def _file_name(*parts: str) -> str:
    return hashlib.sha256(repr((METHOD, *parts)).encode()).hexdigest()[:32]
