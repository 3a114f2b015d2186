"""Composing or copying: how near pictures of captions lie to training pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_eval.distribution import NEAR
from genzoo_eval.metrics.neighbours import memorisation, nearer, nearest
from genzoo_eval.reference import Reference
from genzoo_eval.report import Figure
from genzoo_eval.text.captions import Captions, CaptionSet
from genzoo_eval.text.recall import over_captions


@dataclass(frozen=True)
class Space:
    """A space in which pictures lie at a distance: pixels, or the features of a net.

    Attributes:
        net: Name of the feature net, or "" for pixels.
        place: Gives the points, float32 `[N, D]`, of images uint8 `[N, C, H, W]`.
        train: Points of the training images, `[T, D]`.
        unseen: Distance of each test image from the nearest training image, `[M]`.
    """

    net: str
    place: Callable[[Tensor], Tensor]
    train: Tensor
    unseen: Tensor


def spaces(reference: Reference, train: Tensor) -> Iterator[Space]:
    """Pixels, then each net of the reference; `train` are its training images, uint8
    `[T, C, H, W]`."""
    trained = _pixels(train)
    yield Space("", _pixels, trained, nearest(_pixels(reference.test), trained).distance)
    for real in reference.nets:
        yield Space(real.net.name, real.net.features, real.train, real.unseen)


def _pixels(images: Tensor) -> Tensor:
    """Images uint8 `[N, C, H, W]` as points `[N, C·H·W]` in [0, 1]."""
    return images.flatten(1).float() / 255


def copying_figures(
    made: Mapping[str, CaptionSet], captions: Captions, space: Space
) -> Iterator[Figure]:
    """Figures of what was made for captions, in one space.

    "Copied", of seen and of held-out captions: the share of pictures nearer to a training picture
    than nearly all test pictures are. For a seen caption this is no fault: its picture is to be
    learnt. For a held-out one it is the picture of another caption.
    "Nearer": the probability that a picture is nearer to a training picture than a test picture
    is. It moves where "copied" cannot, because some test pictures all but equal a training picture.
    "Composed", of held-out captions: the share of pictures nearer to a real one of the caption,
    which the model never saw, than to all training pictures; 0 for one that repeats these. Its
    floor compares real pictures with the others of their caption: where a caption has one picture
    in each of two styles, with the one in the other style.
    """
    for name, drawn in made.items():
        places, n = space.place(drawn.images), len(drawn.images)
        trained = nearest(places, space.train).distance
        near = memorisation(trained, space.unseen, NEAR).threshold
        for key, shares, unseen in (
            ("copied", (trained < near).double(), NEAR),
            ("nearer", nearer(trained, space.unseen), 0.5),
        ):
            share = over_captions(shares, drawn.owners)
            yield Figure(f"{key}_{name}", share.value, space.net, unseen, share.spread, n)
        if name == "held_out":
            real = captions.held_out
            own = _own_distances(places, drawn.owners, space.place(real.images), real.owners)
            share = over_captions((own < trained).double(), drawn.owners)
            floor = _composed_by_real(real, space)
            yield Figure("composed", share.value, space.net, floor, share.spread, n)


def _composed_by_real(real: CaptionSet, space: Space) -> float | None:
    """The share of real pictures that are nearer to another one of their caption than to all
    training pictures; None where no caption has two."""
    places = space.place(real.images)
    itself = torch.eye(len(places), dtype=torch.bool)
    own = _own_distances(places, real.owners, places, real.owners, itself)
    there = own.isfinite()
    if not there.any():
        return None
    composed = own[there] < nearest(places[there], space.train).distance
    return over_captions(composed.double(), real.owners[there]).value


def _own_distances(
    places: Tensor,
    owners: Tensor,
    real: Tensor,
    real_owners: Tensor,
    left_out: Tensor | None = None,
) -> Tensor:
    """Distance of each picture `[N, D]` from the nearest real one `[R, D]` of its caption, `[N]`,
    float64; infinity where there is none. Pairs `left_out`, bool `[N, R]`, do not count."""
    counts = owners[:, None] == real_owners
    if left_out is not None:
        counts &= ~left_out
    # They are compared with exact distances, so they are not computed by matrix products.
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(places.double(), real.double(), compute_mode=exact)
    return distances.masked_fill(~counts, torch.inf).amin(1)
