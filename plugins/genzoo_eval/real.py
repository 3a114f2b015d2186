"""Real images in the features of one net."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from genzoo_core.errors import DataError
from genzoo_eval.frozen_net import FrozenNet
from genzoo_eval.metrics.frechet import Moments
from genzoo_eval.metrics.manifold import Manifold
from genzoo_eval.metrics.neighbours import nearest, nearest_other
from genzoo_eval.progress import OnProgress

FEW = 1000
"""Test images below which training images may take their place."""

MOST = 50_000
"""Real images that are looked at pair by pair, which takes time by their square: as many as
Kynkäänniemi et al. 2019 take. Of more, so many evenly spaced ones are."""

FEWEST_REAL = 6
"""The fewest test images: density and coverage look at five neighbours."""


def check_enough(test: Sized) -> None:
    """Raise a `DataError` where there are too few test images to compare with."""
    if len(test) < FEWEST_REAL:
        raise DataError(
            f"{len(test)} test images are too few to measure with",
            f"{FEWEST_REAL} are the fewest; of one's own pictures, these are the split test, or "
            "those that a training has set aside",
        )


def scarce(test: int, train: int) -> bool:
    """Whether there are too few test images to stand for a distribution, and training images to
    take their place: fewer than 1,000, and less than a tenth of them."""
    return test < FEW and 10 * test < train


@dataclass(frozen=True)
class RealFeatures:
    """Real images in the features of one net.

    Attributes:
        test: Of the test images, float32 `[M, D]`; `train` of the training images.
        manifold: Of the target, at most `MOST` of it.
        unseen: Distance of test images, at most `MOST`, from the nearest training image, `[M]`.
        apart: Distance of these test images from the nearest other one, `[M]`.
    """

    net: FrozenNet
    test: Tensor
    train: Tensor
    moments: Moments
    manifold: Manifold
    unseen: Tensor
    apart: Tensor

    @classmethod
    def of(cls, net: FrozenNet, tensors: Mapping[str, Tensor]) -> RealFeatures:
        """The features that `measure` gives, ready to compare with."""
        test, train = tensors["test"], tensors["train"]
        target = train if scarce(len(test), len(train)) else test
        manifold = Manifold(spaced(target), {k: tensors[f"radii.{k}"] for k in (3, 5)})
        moments = Moments.of(target)
        return cls(net, test, train, moments, manifold, tensors["unseen"], tensors["apart"])

    @property
    def swapped(self) -> bool:
        """Whether the training images are the target, for want of test images."""
        return scarce(len(self.test), len(self.train))

    @property
    def target(self) -> Tensor:
        """Of the images that generated ones are compared with."""
        return self.train if self.swapped else self.test

    @property
    def baseline(self) -> Tensor:
        """Of the real images used as a baseline, for the floor."""
        return self.test if self.swapped else self.train


def spaced(features: Tensor, most: int = MOST) -> Tensor:
    """At most so many of features `[N, D]`, evenly spaced: data may lie in the order of classes."""
    count = len(features)
    return features if count <= most else features[torch.arange(most) * count // most]


def measure(
    net: FrozenNet, test: Tensor, train: Tensor, on_progress: OnProgress
) -> dict[str, Tensor]:
    """What `RealFeatures.of` takes, of test and training images uint8 `[N, C, H, W]`, which takes
    minutes."""
    features = {
        "test": net.features(test, partial(on_progress, f"test images, {net.name}")),
        "train": net.features(train, partial(on_progress, f"training images, {net.name}")),
    }
    target = "train" if scarce(len(test), len(train)) else "test"
    manifold, test_sample = Manifold.of(spaced(features[target]), 3, 5), spaced(features["test"])
    return features | {
        "radii.3": manifold.squared_radii[3],
        "radii.5": manifold.squared_radii[5],
        "unseen": nearest(test_sample, features["train"]).distance,
        "apart": nearest_other(test_sample).distance,
    }
