"""What measures a checkpoint: a frozen classifier, and the test images in its features."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from genzoo_core.encoder import Codec
from genzoo_core.errors import DataError, GenzooError, UsageError
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo
from genzoo_eval.metrics.classes import class_frequencies, total_variation
from genzoo_eval.metrics.frechet import Moments, frechet_distance
from genzoo_eval.metrics.images import mean_squared_error, sharpness
from genzoo_eval.metrics.kernel import kernel_distance
from genzoo_eval.metrics.manifold import Manifold, manifold_figures
from genzoo_eval.nets.classifier import Classifier

BATCH = 250
SUBSETS = 25
"""Of the kernel distance; a quarter of what is common, for it is taken at every checkpoint."""

FEWEST = 10
"""Images below which nothing can be said: density and coverage look at five neighbours."""


class Judge(Protocol):
    """What measures images against the real ones."""

    @property
    def test(self) -> Tensor:
        """The real images, uint8 `[M, C, H, W]`."""
        ...

    def figures(self, images: Tensor) -> dict[str, float]:
        """Figures of images, uint8 `[N, C, H, W]`, by the keys of `genzoo_eval.keys`."""
        ...


class ClassifierJudge:
    """Measures in the features of a classifier.

    Args:
        net: The classifier, frozen.
        test: The real images to compare with, uint8 `[M, C, H, W]`.
        n: Generated images that are to be measured. Coverage is that of as many test images: of
            more, even real ones could not cover all.

    Raises:
        DataError: There are too few test images.
    """

    def __init__(self, net: Classifier, test: Tensor, n: int) -> None:
        if len(test) < FEWEST:
            raise DataError(f"{len(test)} test images are too few to measure with")
        self.net, self.test = net, test
        self._features, classes = self._look(test)
        self._moments = Moments.of(self._features)
        self._manifold = Manifold.of(self._features[:n], 3, 5)
        self._frequencies = class_frequencies(classes, net.classes)

    def figures(self, images: Tensor) -> dict[str, float]:
        """Fréchet and kernel distance, coverage, distance of the classes' frequencies from those
        of the test images, and sharpness."""
        features, classes = self._look(images)
        kernel = kernel_distance(
            features, self._features, torch.Generator().manual_seed(0), subsets=SUBSETS
        )
        frequencies = class_frequencies(classes, self.net.classes)
        return {
            "fd": frechet_distance(features, self._moments),
            "kid": kernel.mean,
            "coverage": manifold_figures(features, self._manifold).coverage,
            "class_tv": total_variation(frequencies, self._frequencies),
            "sharpness": sharpness(from_uint8(images)).mean().item(),
        }

    @torch.inference_mode()
    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features `[N, D]` and classes `[N]` of images."""
        features, classes = [], []
        for part in torch.split(images, BATCH):
            x = from_uint8(part)
            features.append(self.net.encode(x).mean)
            classes.append(self.net.logits(x).argmax(1))
        return torch.cat(features), torch.cat(classes)


def load_classifier(zoo: Zoo, reference: str) -> tuple[Classifier, str]:
    """The classifier of this name, or in this model file, and the sha256 of its weights.

    Raises:
        UsageError: It is no classifier.
        GenzooError: It cannot be loaded.
    """
    opened = zoo.open(reference)
    if not isinstance(opened.module, Classifier):
        raise UsageError(f"{reference} is no classifier", "give one as --net")
    return opened.module, opened.sha256


def examine(
    zoo: Zoo, path: Path, options: Mapping[str, object], judge: Judge, n: int
) -> dict[str, float]:
    """Figures of a model's pictures and, where it can encode, of its reconstructions.

    Beside the judge's figures "images_per_second" in CPU time of one thread, and
    "reconstruction_mse" over the first `n` test images. Pictures have the seeds 0, 1, … .

    Args:
        zoo: Makes the pictures.
        path: The model file.
        options: How to sample.
        judge: Measures them.
        n: Number of pictures.

    Raises:
        NotANumberError: Pictures or reconstructions hold NaN.
        GenzooError: The model cannot be loaded or run.
    """
    module = zoo.open(str(path)).module
    begin = time.process_time()
    request = Request(str(path), n=n, seed=0, options=dict(options), threads=1)
    images = zoo.generate(request).images
    seconds = time.process_time() - begin
    if not images.isfinite().all():
        raise NotANumberError("its pictures hold NaN")
    figures = judge.figures(to_uint8(images))
    figures["images_per_second"] = n / max(seconds, 1e-9)
    codec = getattr(module, "codec", None)
    if isinstance(codec, Codec):
        error = reconstruction_error(codec, judge.test[:n])
        if not math.isfinite(error):
            raise NotANumberError("its reconstructions hold NaN")
        figures["reconstruction_mse"] = error
    return figures


class NotANumberError(GenzooError):
    """A model gave numbers that are none."""


@torch.inference_mode()
def reconstruction_error(codec: Codec, images: Tensor) -> float:
    """Mean squared error of uint8 images `[N, C, H, W]` encoded and decoded, pixels in [-1, 1]."""
    errors = []
    for part in torch.split(images, BATCH):
        x = from_uint8(part)
        errors.append(mean_squared_error(x, codec.reconstruct(x)))
    return torch.cat(errors).mean().item()


def floor(judge: Judge, train: Tensor, n: int) -> dict[str, float]:
    """The figures of `n` training images in the place of generated ones.

    Args:
        judge: Measures them.
        train: uint8 `[T, C, H, W]`.
        n: How many are drawn.
    """
    rows = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:n]
    return judge.figures(train[rows])
