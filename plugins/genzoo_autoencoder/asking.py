"""What latents are drawn for, where not all is asked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from genzoo_core import Conditioner, Rng


def with_typical(
    conditioners: Mapping[str, Conditioner],
    conditions: Mapping[str, Tensor],
    rng: Rng,
    negative: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What is asked, and what is typical in the place of null.

    Args:
        conditioners: Those of the model, by name.
        conditions: Prepared values by name, each `[rng.n, ...]`; a missing one is null.
        rng: Draws what is typical, the same whatever is asked: the noise that is drawn after it
            is a seed's own.
        negative: Likewise, what the pictures shall not be.

    Returns:
        Conditions in which nothing is null, and the same with the negative, or else null, in the
        place of what was asked. Guidance leads from the second to the first, so that it
        exaggerates nothing that was only drawn. Where there is only a negative, null stays: what
        is typical could be the very negative.
    """
    told, without = dict(conditions), {}
    for name, conditioner in conditioners.items():
        null = conditioner.null(rng.n)
        given = conditions.get(name, null)
        typical, null = conditioner.typical(rng).to(given), null.to(given)
        unasked = given.eq(null).reshape(rng.n, -1).all(1)
        unasked = unasked.reshape(-1, *[1] * (given.dim() - 1))
        told[name] = torch.where(unasked, typical, given)
        without[name] = torch.where(unasked, typical, null)
        if name in negative:
            told[name], without[name] = given, negative[name].to(given)
    return told, without
