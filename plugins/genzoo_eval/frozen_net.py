"""A frozen net in whose features images are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from genzoo_core.dataset import Dataset
from genzoo_core.encoder import Encoder
from genzoo_core.images import from_uint8
from genzoo_core.rng import BatchRng
from genzoo_eval.nets.classifier import Classifier
from genzoo_eval.spread import in_parts

BATCH = 250

Seen = Callable[[int, int], None]
"""Called with how many images were looked at, and with how many there are."""


@dataclass(frozen=True)
class FrozenNet:
    """A feature net.

    Attributes:
        name: Of its model.
        sha256: Of its weights.
        encoder: The net.
        size: (H, W) that images are scaled to for it; None for as they are.
    """

    name: str
    sha256: str
    encoder: Encoder
    size: tuple[int, int] | None = None

    @torch.inference_mode()
    def features(self, images: Tensor, seen: Seen = lambda *_: None) -> Tensor:
        """Features, float32 `[N, D]`, of images uint8 `[N, C, H, W]`."""
        return self._each(images, lambda x: self.encoder.encode(x).mean.flatten(1), seen)

    def _each(
        self, images: Tensor, look: Callable[[Tensor], Tensor], seen: Seen = lambda *_: None
    ) -> Tensor:
        def part(first: int, end: int) -> Tensor:
            some = images[first:end]
            found = look(from_uint8(some if self.size is None else scaled(some, self.size)))
            seen(end, len(images))
            return found

        return in_parts(len(images), BATCH, part)

    @property
    def class_count(self) -> int:
        """The number of classes that a classifier tells apart; 0 for another net."""
        return self.encoder.classes if isinstance(self.encoder, Classifier) else 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of those classes."""
        if not isinstance(self.encoder, Classifier):
            return ()
        reader = self.encoder.conditioners[self.encoder.label]
        return tuple(map(reader.category, range(self.class_count)))

    @torch.inference_mode()
    def classes(self, images: Tensor) -> Tensor:
        """The class that a classifier sees in each image uint8 `[N, C, H, W]`, int64 `[N]`.

        Raises:
            TypeError: The net is no classifier.
        """
        judge = self.encoder
        if not isinstance(judge, Classifier):
            raise TypeError(f"{self.name} is no classifier")
        return self._each(images, lambda x: judge.logits(x).argmax(1))

    def labels(self, data: Dataset) -> Tensor | None:
        """The labels of a dataset in the numbering of `classes`, int64 `[N]`, from the column that
        is called as the conditioner is; None where there is none, or the net is no classifier."""
        if not isinstance(self.encoder, Classifier) or self.encoder.label not in data.columns:
            return None
        values = data.columns[self.encoder.label]
        rng = BatchRng(torch.Generator(), len(values))
        return self.encoder.conditioners[self.encoder.label].prepare(values, rng)


def scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images uint8 `[N, C, H, W]` scaled to (H, W), averaging where they become smaller."""
    if tuple(images.shape[2:]) == size:
        return images
    parts = (
        F.interpolate(part.float(), size, mode="bilinear", antialias=True).round().clamp(0, 255)
        for part in torch.split(images, BATCH)
    )
    return torch.cat([part.to(torch.uint8) for part in parts])


def classifier_of(nets: Iterable[FrozenNet]) -> FrozenNet | None:
    """The first classifier among the nets."""
    return next((net for net in nets if net.class_count), None)
