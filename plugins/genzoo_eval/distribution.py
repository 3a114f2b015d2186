"""Figures of a set of images beside the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, stdev

import msgspec
import torch
from torch import Tensor

from genzoo_core.images import from_uint8
from genzoo_eval.metrics.frechet import (
    Moments,
    extrapolated_frechet_distance,
    extrapolates,
    frechet_distance,
)
from genzoo_eval.metrics.images import sharpness
from genzoo_eval.metrics.kernel import kernel_distance
from genzoo_eval.metrics.manifold import ManifoldFigures, manifold_figures
from genzoo_eval.metrics.neighbours import memorisation, near_duplicates, nearest, nearest_other
from genzoo_eval.metrics.subsets import disjoint_subsets, standard_errors
from genzoo_eval.real import RealFeatures
from genzoo_eval.report import Figure

NEAR = 0.01
"""Share of the test images that is called near to the training images."""


def distribution_figures(
    generated: Tensor, real: RealFeatures, seed: int = 0, *, errors: bool = True
) -> Iterator[Figure]:
    """All figures that compare features with those of the real images.

    The distance for n → ∞ is left out where the images are too few; see `extrapolates`.

    Args:
        generated: Features `[N, D]` in the net of `real`, N at least `settings.FEWEST`.
        errors: Measure the standard errors as well, which takes a few times as long.
    """
    apart = nearest_other(generated).distance

    def at_infinity(rows: Tensor) -> float:
        generator = torch.Generator().manual_seed(seed)
        return extrapolated_frechet_distance(generated[rows], real.moments, generator)

    def kernel(rows: Tensor) -> float:
        generator = torch.Generator().manual_seed(seed)
        return kernel_distance(generated[rows], real.target, generator).mean

    measures: dict[tuple[str, ...], Callable[[Tensor], tuple[float, ...]]] = {
        ("fd",): lambda rows: (frechet_distance(Moments.of(generated[rows]), real.moments),),
        ("fd_infinity",): lambda rows: (at_infinity(rows),),
        ("kid",): lambda rows: (kernel(rows),),
        ("duplicates",): lambda rows: (near_duplicates(apart[rows], real.apart),),
        # Four figures from one matrix of distances.
        ManifoldFigures._fields: lambda rows: manifold_figures(generated[rows], real.manifold),
    }
    if not extrapolates(generated):
        del measures["fd_infinity",]
    for keys, measure in measures.items():
        yield from _figures(keys, measure, len(generated), real.net.name, seed, errors=errors)


def _figures(
    keys: Sequence[str],
    measure: Callable[[Tensor], Sequence[float]],
    n: int,
    net: str = "",
    seed: int = 0,
    *,
    errors: bool = True,
) -> Iterator[Figure]:
    """Figures with their standard errors; `measure` gives their values for indices of images."""
    spreads = standard_errors(measure, n, seed) if errors else [None] * len(keys)
    for key, value, spread in zip(keys, measure(torch.arange(n)), spreads, strict=True):
        yield Figure(key, value, net, spread=spread, n=n)


def drawn_figures(
    generated: Tensor, real: RealFeatures, draw: int | None, seed: int = 0
) -> Iterator[Figure]:
    """The figures of `distribution_figures`, each the mean over as many disjoint draws of `draw`
    images as there are; None takes all images at once."""
    n = len(generated)
    if draw is None or draw >= n:
        yield from distribution_figures(generated, real, seed)
        return
    draws = disjoint_subsets(n, n // draw, torch.Generator().manual_seed(seed))
    alone = len(draws) == 1
    found = [
        list(distribution_figures(generated[rows], real, seed, errors=alone)) for rows in draws
    ]
    for figures in zip(*found, strict=True):
        values = [figure.value for figure in figures]
        error = figures[0].spread if alone else stdev(values) / len(values) ** 0.5
        yield msgspec.structs.replace(figures[0], value=fmean(values), spread=error, n=n)


def memorisation_figures(generated: Tensor, real: RealFeatures, seed: int = 0) -> Iterator[Figure]:
    """Whether images lie nearer to training images than unseen real ones do.

    The share of those nearer than nearly all test images, and the probability that one is nearer
    than a test image: the first tells a few copies among many images, the second that images in
    general keep close to what was trained on.

    Args:
        generated: Features `[N, D]` in the net of `real`.
    """
    distances = nearest(generated, real.train).distance

    def measure(rows: Tensor) -> tuple[float, float]:
        found = memorisation(distances[rows], real.unseen, NEAR)
        return found.share, found.nearer

    keys = ("memorised", "nearer")
    # The floors are what unseen images have by definition.
    for found, floor in zip(
        _figures(keys, measure, len(generated), real.net.name, seed), (NEAR, 0.5), strict=True
    ):
        yield msgspec.structs.replace(found, floor=floor)


def image_figures(images: Tensor) -> Iterator[Figure]:
    """Figures of the images themselves, uint8 `[N, C, H, W]`."""
    parts = torch.split(images, 1000)
    yield mean_figure("sharpness", torch.cat([sharpness(from_uint8(part)) for part in parts]))


def mean_figure(key: str, values: Tensor, net: str = "") -> Figure:
    """The mean of what each image has, `[N]`, with its standard error."""
    return figure(key, lambda rows: values[rows].double().mean().item(), len(values), net)


def figure(key: str, measure: Callable[[Tensor], float], n: int, net: str = "") -> Figure:
    """A figure of `n` images with its standard error; `measure` gives it for indices of images."""
    (found,) = _figures([key], lambda rows: (measure(rows),), n, net)
    return found
