"""Where pictures are compared with those that were trained on: in pixels, and in feature nets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from genzoo_eval.metrics.neighbours import nearest
from genzoo_eval.reference import Reference


@dataclass(frozen=True)
class Space:
    """A space in which pictures lie at a distance.

    Attributes:
        net: Name of the feature net, or "" for pixels.
        place: Where images uint8 `[N, C, H, W]` lie, float32 `[N, D]`.
        train: Where the training images lie, `[T, D]`.
        unseen: Distance of each test image from the nearest training image, `[M]`.
    """

    net: str
    place: Callable[[Tensor], Tensor]
    train: Tensor
    unseen: Tensor


def spaces(reference: Reference, train: Tensor) -> Iterator[Space]:
    """Pixels, then each net of the reference.

    Args:
        reference: The dataset.
        train: Its training images, uint8 `[T, C, H, W]`.
    """
    trained = pixels(train)
    yield Space("", pixels, trained, nearest(pixels(reference.test), trained).distance)
    for real in reference.nets:
        yield Space(real.net.name, real.net.features, real.train, real.unseen)


def pixels(images: Tensor) -> Tensor:
    """Images uint8 `[N, C, H, W]` as points `[N, C·H·W]` in [0, 1]."""
    return images.flatten(1).float() / 255
