"""The kernel distance between two sets of features (KID)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genzoo_core.libraries import mend_torchvision


class KernelDistance(NamedTuple):
    """The unbiased estimate, which can be slightly below 0, and its standard deviation over
    subsets (not that of the mean)."""

    mean: float
    std: float


def kernel_distance(
    generated: Tensor,
    real: Tensor,
    generator: torch.Generator,
    subsets: int = 100,
    size: int = 1000,
) -> KernelDistance:
    """Squared maximum mean discrepancy with the kernel (x·y / D + 1)³.

    Bińkowski et al. 2018, "Demystifying MMD GANs"; the unbiased estimator is
    Gretton et al. 2012, eq. 3. Its expectation does not depend on the number of samples.

    Args:
        generated: Features `[N, D]`.
        real: Features `[M, D]`.
        size: Samples of each side in a subset; all of the smaller side if that has fewer.
    """
    mend_torchvision()
    # Not its metric class, which draws the subsets from torch's global generator.
    from torchmetrics.image.kid import maximum_mean_discrepancy, poly_kernel

    size = min(size, len(generated), len(real))
    own: Tensor | None = None
    found = []
    for _ in range(subsets):
        x, y = _draw(real, size, generator), _draw(generated, size, generator)
        if size == len(generated):  # all of them, whose order means nothing
            y = generated.double()
        if own is None or size < len(generated):
            own = poly_kernel(y, y)
        found.append(maximum_mean_discrepancy(poly_kernel(x, x), poly_kernel(x, y), own))
    distances = torch.stack(found)
    return KernelDistance(distances.mean().item(), distances.std(correction=0).item())


def _draw(features: Tensor, size: int, generator: torch.Generator) -> Tensor:
    # The kernel's sums cancel to a small difference: float32 would leave few digits of it.
    return features[torch.randperm(len(features), generator=generator)[:size]].double()
