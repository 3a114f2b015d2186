"""What keeps a discriminator smooth: penalties on its gradient with respect to the image."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genzoo_core import Progress, Rng
from genzoo_gan.config import GradientPenalty, ZeroCentredPenalty


def gamma(penalty: ZeroCentredPenalty, progress: Progress) -> float:
    """The weight at a step: from `gamma` to `final_gamma` along half a cosine."""
    left = (1 + math.cos(math.pi * progress.fraction)) / 2
    return penalty.final_gamma + (penalty.gamma - penalty.final_gamma) * left


def squared_norms(output: Tensor, images: Tensor) -> Tensor:
    """Squared norm of each output's gradient with respect to its image, `[B]`.

    `output`, `[B]`, was computed from `images`, `[B, C, H, W]`, which require gradients.
    """
    (gradient,) = torch.autograd.grad(output.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def zero_centred(
    penalty: ZeroCentredPenalty, progress: Progress, real: Tensor, fake: Tensor
) -> Tensor:
    """gamma/2 E|∇D(x)|² on reals (R1), on fakes (R2), or on both (Mescheder et al. 2018, eq. 9).

    `real` and `fake` are the squared norms of the gradients on reals and fakes, `[B]`.
    """
    taken = {"reals": real, "fakes": fake}
    total = torch.stack([taken[name].mean() for name in set(penalty.on)]).sum()
    return 0.5 * gamma(penalty, progress) * total


def one_centred(
    penalty: GradientPenalty,
    discriminate: Callable[[Tensor], Tensor],
    reals: Tensor,
    fakes: Tensor,
    rng: Rng,
) -> Tensor:
    """lambda E(|∇D(x)| - 1)², x between a real and a fake (Gulrajani et al. 2017, equation 3).

    `discriminate` gives outputs `[B]` for images `[B, C, H, W]`; `rng` draws the places between.
    """
    share = rng.uniform((1, 1, 1), reals)
    between = torch.lerp(fakes, reals, share).requires_grad_()
    norms = (squared_norms(discriminate(between), between) + 1e-12).sqrt()
    return penalty.weight * (norms - 1).square().mean()
