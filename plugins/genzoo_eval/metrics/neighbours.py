"""Nearest neighbours: memorised training pictures, and pictures that are made again and again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from genzoo_eval.metrics.distances import squared_distances, squared_distances_within


@dataclass(frozen=True)
class Neighbours:
    """Euclidean distance `[N]`, float64, of the nearest neighbour of each query, and which
    reference that is, int64 `[N]`."""

    distance: Tensor
    index: Tensor


def nearest(queries: Tensor, references: Tensor) -> Neighbours:
    """The nearest reference `[M, D]` of each query `[N, D]`."""
    return _nearest(queries, references, squared_distances(queries, references))


def nearest_other(features: Tensor) -> Neighbours:
    """The nearest other sample of each `[N, D]`.

    Raises:
        ValueError: There is no other sample.
    """
    if len(features) < 2:
        raise ValueError("one sample has no neighbour")
    return _nearest(features, features, squared_distances_within(features))


def _nearest(
    queries: Tensor, references: Tensor, blocks: Iterable[tuple[slice, Tensor]]
) -> Neighbours:
    index = torch.empty(len(queries), dtype=torch.int64, device=queries.device)
    for rows, block in blocks:
        index[rows] = block.argmin(1)
    # The blocks' distances are rounded; those of the nearest are computed exactly.
    distance = torch.cat(
        [
            (query.double() - references[i].double()).square().sum(1).sqrt()
            for query, i in zip(torch.split(queries, 1024), torch.split(index, 1024), strict=True)
        ]
    )
    return Neighbours(distance, index)


class Memorisation(NamedTuple):
    """How much nearer to the training data generated pictures lie than unseen real ones do.

    Attributes:
        threshold: The distance from training data that the nearest `quantile` of unseen real
            pictures stay below.
        share: Of generated pictures nearer than that; `quantile` is expected of a model that
            generates like the data, 1 of one that repeats its training data.
        nearer: Probability that a generated picture is nearer to the training data than an unseen
            real one, ties counting half; 0.5 is expected, more speaks for copying.
    """

    threshold: float
    share: float
    nearer: float


def memorisation(generated: Tensor, unseen: Tensor, quantile: float = 0.01) -> Memorisation:
    """Nearest-neighbour distances generated→train against test→train.

    `nearer` is the statistic of Meehan et al. 2020, "A Non-Parametric Test to Detect Data-Copying
    in Generative Models" (Mann–Whitney's U, scaled to 0–1, without their cells). `share` looks at
    the near end alone, which a few copies among many pictures move already; that a sample nearer
    to a training sample than real ones are is no new one is the idea of authenticity, Alaa et al.
    2022, "How Faithful is your Synthetic Data?". Blurry pictures lie near the training data as
    well: look at the neighbours before calling it copying.

    Args:
        generated: Distances `[N]` of generated pictures from the nearest training picture.
        unseen: Distances `[M]` of real pictures that were not trained on, from the same ones.
        quantile: Share of unseen pictures that defines "near", in (0, 1).

    Raises:
        ValueError: One of the two is empty.
    """
    if not len(generated) or not len(unseen):
        raise ValueError("memorisation needs generated and unseen pictures")
    unseen, generated = unseen.double(), generated.double()
    threshold = unseen.quantile(quantile)
    return Memorisation(
        threshold=threshold.item(),
        share=(generated < threshold).double().mean().item(),
        nearer=nearer(generated, unseen).mean().item(),
    )


def nearer(generated: Tensor, unseen: Tensor) -> Tensor:
    """For each generated picture, the share of the unseen ones that are farther from the training
    data than it is, ties counting half, `[N]`, float64; distances as in `memorisation`."""
    ordered, generated = unseen.double().sort().values, generated.double()
    farther = len(ordered) - torch.searchsorted(ordered, generated, right=True)
    as_far = len(ordered) - torch.searchsorted(ordered, generated) - farther
    return (farther + 0.5 * as_far).double() / len(ordered)


def near_duplicates(generated: Tensor, real: Tensor, quantile: float = 0.001) -> float:
    """The share of generated pictures whose nearest other one is nearer than real pictures are.

    `quantile` is expected of a model that generates like the data; a model that has lost modes, or
    that makes few pictures again and again, has more. Pictures lie the nearer the more there are:
    the two sets should be of one size.

    Args:
        generated: Distances `[N]` of generated pictures from the nearest other generated one.
        real: Distances `[M]` of real pictures from the nearest other real one.
        quantile: Of the real ones' distances, in [0, 1]; 0 is the smallest.
    """
    threshold = real.double().quantile(quantile)
    return (generated.double() < threshold).double().mean().item()
