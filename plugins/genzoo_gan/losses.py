"""What the generator and the discriminator play for: the losses of GANs, side by side.

`real` and `fake` are the discriminator's outputs, `[B]`: probabilities of being real for
`cross-entropy`, logits (or a critic's scores) for the others. Each loss is to be minimised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, relu, softplus

from genzoo_core import Conditioner, all_rows, own_rows
from genzoo_gan.config import LossName


@dataclass(frozen=True)
class Loss:
    """A loss for each of the two sides.

    Attributes:
        discriminator: Called as `discriminator(real, fake)`.
        generator: Called as `generator(fake, real)`, where `real` is a function: most losses
            do not need the discriminator's outputs on reals.
        probabilities: Whether the discriminator ends in a sigmoid.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Callable[[], Tensor]], Tensor]
    probabilities: bool = False


def _entropy(probability: Tensor, target: float) -> Tensor:
    # Half precision has no room for the logarithm of a probability near 0 or 1.
    with torch.autocast(probability.device.type, enabled=False):
        exact = probability.float()
        return binary_cross_entropy(exact, torch.full_like(exact, target))


def _logistic(real: Tensor, fake: Tensor) -> Tensor:
    return (softplus(-real) + softplus(fake)).mean()


LOSSES: dict[LossName, Loss] = {
    # -log D(x) - log(1 - D(G(z))) against -log D(G(z)), on probabilities, as tutorials write it;
    # torch holds each logarithm above -100.
    "cross-entropy": Loss(
        lambda real, fake: _entropy(real, 1) + _entropy(fake, 0),
        lambda fake, real: _entropy(fake, 1),
        probabilities=True,
    ),
    # The zero-sum game (Goodfellow et al. 2014, equation 1): the generator minimises
    # log(1 - D(G(z))), whose gradient vanishes where the discriminator is sure.
    "minimax": Loss(_logistic, lambda fake, real: -softplus(fake).mean()),
    # The generator maximises log D(G(z)) instead (Goodfellow et al. 2014, section 3).
    "non-saturating": Loss(_logistic, lambda fake, real: softplus(-fake).mean()),
    # Lim & Ye 2017, "Geometric GAN"; Miyato et al. 2018, equations 16 and 17.
    "hinge": Loss(
        lambda real, fake: (relu(1 - real) + relu(1 + fake)).mean(),
        lambda fake, real: -fake.mean(),
    ),
    # The critic's estimate of the Wasserstein distance (Arjovsky et al. 2017, equation 2); it
    # needs a penalty, as of Gulrajani et al. 2017.
    "wasserstein": Loss(
        lambda real, fake: (fake - real).mean(),
        lambda fake, real: -fake.mean(),
    ),
    # Each fake against a real (Jolicoeur-Martineau 2018, section 4; with R1 and R2 it is R3GAN:
    # Huang et al. 2024, "The GAN is dead; long live the GAN!", equation 2).
    "relativistic": Loss(
        lambda real, fake: softplus(fake - real).mean(),
        lambda fake, real: softplus(real() - fake).mean(),
    ),
}


def mismatched(
    conditions: Mapping[str, Tensor], conditioners: Mapping[str, Conditioner]
) -> tuple[dict[str, Tensor], Tensor]:
    """Conditions in which each picture has the prompt of the one before it (Reed et al. 2016).

    Args:
        conditions: Prepared values by name of the conditioner, each `[B, ...]`.
        conditioners: The model's; the first reads the prompt, the others stay.

    Returns:
        The conditions, and where they are wrong, bool `[B]`: not where the other prompt is the
        same or is null, which any picture fulfils.
    """
    prompt, conditioner = next(iter(conditioners.items()))
    own = conditions[prompt]
    other = own_rows(all_rows(own).roll(1, 0))

    def differs_from(rows: Tensor) -> Tensor:
        return (other != rows).reshape(len(other), -1).any(1)

    wrong = differs_from(own) & differs_from(conditioner.null(len(own)).to(own))
    return {**conditions, prompt: other}, wrong
