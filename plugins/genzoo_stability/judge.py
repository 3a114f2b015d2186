"""Measuring a checkpoint: in the features of a frozen classifier, beside the test images."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.encoder import Codec
from genzoo_core.errors import DataError, UsageError
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo
from genzoo_eval.api import (
    Classifier,
    FrozenNet,
    Manifold,
    Moments,
    check_takes,
    class_frequencies,
    frechet_distance,
    kernel_distance,
    manifold_figures,
    mean_squared_error,
    sharpness,
    total_variation,
)
from genzoo_stability.plan import DATASET
from genzoo_train.api import DivergedError

BATCH = 250
SUBSETS = 25
"""Of the kernel distance; a quarter of the usual number, for it is measured at every checkpoint."""

FEWEST = 10
"""Images below which nothing can be measured: density and coverage need five neighbours."""


class Judge:
    """Compares images with the test images in the features of a classifier.

    Args:
        test: The test images, uint8 `[M, C, H, W]`.
        n: Generated images that are to be measured. Coverage is that of as many test images: of
            more, even real images could not cover all.

    Raises:
        DataError: There are too few test images.
    """

    def __init__(self, net: FrozenNet, test: Tensor, n: int) -> None:
        if len(test) < FEWEST:
            raise DataError(f"{len(test)} test images are too few to measure with")
        self._net, self.test = net, test
        self._features = net.features(test)
        self._moments = Moments.of(self._features)
        self._manifold = Manifold.of(self._features[:n], 3, 5)
        self._frequencies = self._class_frequencies(test)

    def figures(self, images: Tensor) -> dict[str, float]:
        """Fréchet and kernel distance, coverage, distance of the classes' frequencies from those
        of the test images, and sharpness, of images uint8 `[N, C, H, W]`, by the keys that
        `genzoo eval` uses."""
        features = self._net.features(images)
        kernel = kernel_distance(
            features, self._features, torch.Generator().manual_seed(0), subsets=SUBSETS
        )
        return {
            "fd": frechet_distance(features, self._moments),
            "kid": kernel.mean,
            "coverage": manifold_figures(features, self._manifold).coverage,
            "class_tv": total_variation(self._class_frequencies(images), self._frequencies),
            "sharpness": sharpness(from_uint8(images)).mean().item(),
        }

    def _class_frequencies(self, images: Tensor) -> Tensor:
        assert isinstance(self._net.encoder, Classifier)  # `load_classifier` made sure
        return class_frequencies(self._net.classes(images), self._net.encoder.classes)


def load_classifier(zoo: Zoo, reference: str, shape: tuple[int, ...]) -> FrozenNet:
    """The classifier of this name, or in this model file.

    Args:
        shape: Of the images that it is to take, `(C, H, W)`.

    Raises:
        UsageError: It is no classifier, or takes no such images.
        GenzooError: It cannot be loaded.
    """
    opened = zoo.open(reference)
    if not isinstance(opened.module, Classifier):
        raise UsageError(f"{reference} is no classifier", "give one as --net")
    check_takes(reference, opened.module.logits, DATASET, shape)
    return FrozenNet(reference, opened.sha256, opened.module)


def examine(
    zoo: Zoo, path: Path, options: Mapping[str, object], judge: Judge, n: int
) -> dict[str, float]:
    """Figures of a model's pictures and, where it can encode, of its reconstructions.

    Beside the judge's figures "images_per_second" in CPU time of one thread, and
    "reconstruction_mse" over the first `n` test images. Pictures have the seeds 0, 1, … .

    Raises:
        DivergedError: Pictures or reconstructions hold NaN.
        GenzooError: The model cannot be loaded or run.
    """
    module = zoo.open(str(path)).module
    begin = time.process_time()
    request = Request(str(path), n=n, seed=0, options=dict(options), threads=1)
    images = zoo.generate(request).images
    seconds = time.process_time() - begin
    if not images.isfinite().all():
        raise DivergedError("its pictures hold NaN")
    figures = judge.figures(to_uint8(images))
    figures["images_per_second"] = n / max(seconds, 1e-9)
    codec = getattr(module, "codec", None)
    if isinstance(codec, Codec):
        error = _reconstruction_error(codec, judge.test[:n])
        if not math.isfinite(error):
            raise DivergedError("its reconstructions hold NaN")
        figures["reconstruction_mse"] = error
    return figures


@torch.inference_mode()
def _reconstruction_error(codec: Codec, images: Tensor) -> float:
    """Mean squared error of uint8 images `[N, C, H, W]` encoded and decoded, pixels in [-1, 1]."""
    errors = []
    for part in torch.split(images, BATCH):
        x = from_uint8(part)
        errors.append(mean_squared_error(x, codec.reconstruct(x)))
    return torch.cat(errors).mean().item()
