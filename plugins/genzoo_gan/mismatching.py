"""Real pictures beside prompts that are not theirs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from genzoo_core import Conditioner


def mismatched(
    conditions: Mapping[str, Tensor], conditioners: Mapping[str, Conditioner]
) -> tuple[dict[str, Tensor], Tensor]:
    """Conditions in which each picture has the prompt of the one before it (Reed et al. 2016).

    Args:
        conditions: Prepared values by name of the conditioner, each `[B, ...]`.
        conditioners: The model's; the first reads the prompt, the others stay.

    Returns:
        The conditions, and where they are wrong, bool `[B]`: not where the other prompt is the
        same or asks for nothing, which any picture fulfils.
    """
    prompt, conditioner = next(iter(conditioners.items()))
    own = conditions[prompt]
    other = own.roll(1, 0)
    wrong = differs(other, own) & differs(other, conditioner.null(len(own)).to(own))
    return {**conditions, prompt: other}, wrong


def differs(a: Tensor, b: Tensor) -> Tensor:
    """Which rows of two tensors of one shape are not the same, bool `[B]`."""
    return (a != b).reshape(len(a), -1).any(1)
