"""How a set of images lies to the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import Tensor

from genzoo_core.images import from_uint8
from genzoo_eval.metrics.extrapolation import extrapolated_frechet_distance, extrapolates
from genzoo_eval.metrics.frechet import frechet_distance
from genzoo_eval.metrics.images import sharpness
from genzoo_eval.metrics.kernel import kernel_distance
from genzoo_eval.metrics.manifold import manifold_figures
from genzoo_eval.metrics.neighbours import memorisation, near_duplicates, nearest, nearest_other
from genzoo_eval.metrics.subsets import disjoint_subsets, spread
from genzoo_eval.report import Figure

if TYPE_CHECKING:
    from genzoo_eval.reference import RealFeatures

PARTS = 5
"""Disjoint parts of the images whose figures give the spread."""

NEAR = 0.01
"""Share of the test images that is called near to the training images."""


def distribution_figures(
    generated: Tensor, real: RealFeatures, seed: int = 0, *, spreads: bool = True
) -> Iterator[Figure]:
    """All figures that compare features with those of the real images.

    The distance for n → ∞ is left out where the images are too few; see `extrapolates`.

    Args:
        generated: Features `[N, D]` in the net of `real`, N at least `settings.FEWEST`.
        real: The real images in that net.
        seed: Draws the subsets.
        spreads: Measure `PARTS` disjoint parts of the images as well, for the spread.
    """
    n, net = len(generated), real.net.name
    generator = torch.Generator().manual_seed(seed)
    parts = disjoint_subsets(n, PARTS, generator)

    def distance(rows: Tensor) -> float:
        return frechet_distance(generated[rows], real.moments)

    def at_infinity(rows: Tensor) -> float:
        return extrapolated_frechet_distance(generated[rows], real.moments, generator)

    def figure(key: str, value: float, deviation: float | None = None) -> Figure:
        return Figure(key, value, net=net, spread=deviation, n=n)

    def over_parts(measured: Callable[[Tensor], float]) -> float | None:
        return spread(measured, parts).std if spreads else None

    yield figure("fd", distance(torch.arange(n)), over_parts(distance))
    if extrapolates(generated):
        value = at_infinity(torch.arange(n))
        deviation = over_parts(at_infinity) if extrapolates(generated[parts[0]]) else None
        yield figure("fd_infinity", value, deviation)
    kernel = kernel_distance(generated, real.target, generator)
    yield figure("kid", kernel.mean, kernel.std)
    shape = manifold_figures(generated, real.manifold)
    pieces = [manifold_figures(generated[rows], real.manifold) for rows in parts if spreads]
    for key in ("precision", "recall", "density", "coverage"):
        values = [getattr(piece, key) for piece in pieces]
        yield figure(key, getattr(shape, key), stdev(values) if values else None)
    apart = nearest_other(generated).distance
    share = near_duplicates(apart, real.apart)
    yield figure(
        "duplicates", share, over_parts(lambda rows: near_duplicates(apart[rows], real.apart))
    )


def drawn_figures(
    generated: Tensor, real: RealFeatures, draw: int | None, seed: int = 0
) -> Iterator[Figure]:
    """The figures of `distribution_figures`, of draws of the generated images.

    Each is the mean over as many disjoint draws as there are, and its spread their standard
    deviation. The distance for n → ∞ is left out: so few images are no base for a line.

    Args:
        generated: As in `distribution_figures`.
        real: As in `distribution_figures`.
        draw: Images of a draw; None for all images at once.
        seed: Draws.
    """
    n = len(generated)
    if draw is None:
        yield from distribution_figures(generated, real, seed)
        return
    size = min(draw, n)
    draws = disjoint_subsets(n, n // size, torch.Generator().manual_seed(seed))
    alone = len(draws) == 1
    found = [
        list(distribution_figures(generated[rows], real, seed, spreads=alone)) for rows in draws
    ]
    for figures in zip(*found, strict=True):
        if figures[0].key == "fd_infinity":
            continue
        values = [figure.value for figure in figures]
        deviation = stdev(values) if len(values) > 1 else figures[0].spread
        yield msgspec.structs.replace(figures[0], value=fmean(values), spread=deviation, n=n)


def memorisation_figures(generated: Tensor, real: RealFeatures, seed: int = 0) -> Iterator[Figure]:
    """Whether images lie nearer to training images than unseen real ones do.

    The share of those nearer than nearly all test images, and the probability that one is nearer
    than a test image: the first tells a few copies among many images, the second that images in
    general keep close to what was trained on.

    Args:
        generated: Features `[N, D]` in the net of `real`.
        real: The real images in that net.
        seed: Draws the parts that give the spread.
    """
    distances = nearest(generated, real.train).distance
    whole = memorisation(distances, real.unseen, NEAR)
    parts = [
        memorisation(distances[rows], real.unseen, NEAR) for rows in parts_of(len(distances), seed)
    ]
    # The floors are what unseen images have by definition.
    for key, value, floor, each in (
        ("memorised", whole.share, NEAR, [part.share for part in parts]),
        ("nearer", whole.nearer, 0.5, [part.nearer for part in parts]),
    ):
        yield Figure(key, value, real.net.name, floor, stdev(each), len(generated))


def image_figures(images: Tensor) -> Iterator[Figure]:
    """Figures of the images themselves.

    Args:
        images: uint8 `[N, C, H, W]`.
    """
    values = torch.cat([sharpness(from_uint8(part)) for part in torch.split(images, 1000)])
    each = spread(lambda rows: values[rows].mean().item(), parts_of(len(values)))
    yield Figure("sharpness", values.mean().item(), spread=each.std, n=len(images))


def parts_of(n: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Indices of the disjoint parts of `n` images whose figures give the spread."""
    return disjoint_subsets(n, PARTS, torch.Generator().manual_seed(seed))
