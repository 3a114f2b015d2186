"""Fidelity and diversity apart: precision and recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from genzoo_eval.metrics.distances import squared_distances, squared_distances_within


@dataclass(frozen=True)
class Manifold:
    """Features with a ball around each, which together stand for where the data lie.

    Attributes:
        features: `[N, D]`.
        squared_radii: By k, the squared distances `[N]` of each sample from its k-th nearest
            other one.
    """

    features: Tensor
    squared_radii: dict[int, Tensor]

    @classmethod
    def of(cls, features: Tensor, *ks: int) -> Manifold:
        """The manifold of features `[N, D]`, with balls for each k.

        Raises:
            ValueError: There are not more samples than the largest k.
        """
        largest = max(ks)
        if not 1 <= min(ks) <= largest < len(features):
            raise ValueError(f"{len(features)} samples are too few for neighbours {sorted(ks)}")
        # Small tensors that stay, made beside each large block, keep its place from the next.
        distances = features.new_empty(len(features), largest)
        for rows, block in squared_distances_within(features):
            distances[rows] = block.topk(largest, largest=False).values
        return cls(features, {k: distances[:, k - 1] for k in ks})


class ManifoldFigures(NamedTuple):
    """How two manifolds lie to one another.

    Attributes:
        precision: Share of generated samples within a ball of the real ones; 0–1.
        recall: Share of real samples within a ball of the generated ones; 0–1.
        density: Mean number of balls of real ones around a generated sample, over k; at least 0,
            and 1 is expected where the two distributions are the same.
        coverage: Share of balls of real ones with a generated sample within; 0–1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_figures(
    generated: Tensor, real: Tensor | Manifold, k: int = 3, density_k: int = 5
) -> ManifoldFigures:
    """Improved precision and recall, and density and coverage.

    Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative
    Models", eq. 1–2; Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
    Models". A ball holds its edge. All four depend on N and M: compare at equal numbers,
    beside their floor.

    Args:
        generated: Features `[N, D]`, N > k.
        real: Features `[M, D]`, or their manifold with balls for `k` and `density_k`.

    Raises:
        ValueError: Too few samples, or the manifold of the real ones lacks a k.
    """
    target = real if isinstance(real, Manifold) else Manifold.of(real, k, density_k)
    if missing := {k, density_k} - set(target.squared_radii):
        raise ValueError(f"the manifold has no balls for k = {sorted(missing)}")
    near, wide = target.squared_radii[k], target.squared_radii[density_k]
    own = Manifold.of(generated, k).squared_radii[k]

    precise = held = 0
    recalled = torch.zeros(len(target.features), dtype=torch.bool)
    nearest = torch.full_like(wide, torch.inf)
    for rows, block in squared_distances(generated, target.features):
        precise += int(((block - near).amin(1) <= 0).sum())
        held += int(torch.count_nonzero(block <= wide))
        nearest = torch.minimum(nearest, block.amin(0))
        recalled |= block.sub_(own[rows, None]).amin(0) <= 0
    return ManifoldFigures(
        precision=precise / len(generated),
        recall=recalled.double().mean().item(),
        density=held / (density_k * len(generated)),
        coverage=(nearest <= wide).double().mean().item(),
    )
