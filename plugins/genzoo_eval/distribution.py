"""How a set of images lies to the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import Tensor

from genzoo_core.images import from_uint8
from genzoo_eval.metrics.extrapolation import extrapolated_frechet_distance
from genzoo_eval.metrics.frechet import Moments, frechet_distance
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


def distribution_figures(generated: Tensor, real: RealFeatures, seed: int = 0) -> Iterator[Figure]:
    """All figures that compare features with those of the real images.

    Args:
        generated: Features `[N, D]` in the net of `real`, N at least `settings.FEWEST`.
        real: The real images in that net.
        seed: Draws the subsets.
    """
    n, net = len(generated), real.net.name
    generator = torch.Generator().manual_seed(seed)

    def figure(key: str, value: float, deviation: float | None = None) -> Figure:
        return Figure(key, value, net=net, spread=deviation, n=n)

    over_parts = spread(
        lambda rows: frechet_distance(generated[rows], real.moments),
        disjoint_subsets(n, PARTS, generator),
    )
    yield figure("fd", frechet_distance(Moments.of(generated), real.moments), over_parts.std)
    yield figure("fd_infinity", extrapolated_frechet_distance(generated, real.moments, generator))
    kernel = kernel_distance(generated, real.target, generator)
    yield figure("kid", kernel.mean, kernel.std)
    shape = manifold_figures(generated, real.manifold)
    yield figure("precision", shape.precision)
    yield figure("recall", shape.recall)
    yield figure("density", shape.density)
    yield figure("coverage", shape.coverage)
    yield figure("duplicates", near_duplicates(nearest_other(generated).distance, real.apart))


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
    found = [list(distribution_figures(generated[rows], real, seed)) for rows in draws]
    for figures in zip(*found, strict=True):
        if figures[0].key == "fd_infinity":
            continue
        values = [figure.value for figure in figures]
        deviation = stdev(values) if len(values) > 1 else figures[0].spread
        yield msgspec.structs.replace(figures[0], value=fmean(values), spread=deviation, n=n)


def memorisation_figure(generated: Tensor, real: RealFeatures) -> Figure:
    """The share of images that lie nearer to a training image than nearly all test images do.

    Args:
        generated: Features `[N, D]` in the net of `real`.
        real: The real images in that net.
    """
    distances = nearest(generated, real.train).distance
    copied = memorisation(distances, real.unseen, NEAR)
    # The share that unseen images have, by what "near" means; training images would have all.
    return Figure("memorised", copied.share, real.net.name, floor=NEAR, n=len(generated))


def image_figures(images: Tensor) -> Iterator[Figure]:
    """Figures of the images themselves.

    Args:
        images: uint8 `[N, C, H, W]`.
    """
    values = torch.cat([sharpness(from_uint8(part)) for part in torch.split(images, 1000)])
    yield Figure("sharpness", values.mean().item(), n=len(images))
