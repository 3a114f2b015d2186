"""Optimisers, learning rates and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genzoo_core.recipe import PhaseRecipe
from genzoo_core.training import Progress

EMA_RAMP = 0.05
"""Largest half-life as a share of the images seen so far (Karras et al. 2022)."""


def make_optimizer(
    parameters: Sequence[nn.Parameter], recipe: PhaseRecipe
) -> torch.optim.Adam | torch.optim.AdamW:
    """The optimiser of a phase; one fused kernel on devices that have it."""
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(
        parameters,
        lr=recipe.lr,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
        fused=parameters[0].device.type in ("cpu", "cuda"),
    )


def learning_rate(recipe: PhaseRecipe, progress: Progress) -> float:
    """The rate of a step: linear warm-up, then the recipe's schedule over what is left."""
    if progress.step < recipe.warmup:
        return recipe.lr * (progress.step + 1) / recipe.warmup
    fraction = (progress.step - recipe.warmup) / max(progress.total - recipe.warmup, 1)
    if recipe.schedule == "constant":
        return recipe.lr
    left = 1 - fraction if recipe.schedule == "linear" else (1 + math.cos(math.pi * fraction)) / 2
    return recipe.final_lr + (recipe.lr - recipe.final_lr) * left


class MovingAverage:
    """Exponential moving average of a stage's parameters, by half-life in images.

    The half-life is at most 5 % of the images seen so far, so that a short run's average is
    not mostly its initial weights (Karras et al. 2022, "Elucidating the design space of
    diffusion-based generative models", `ema_rampup_ratio`).

    A half-life of 0 is for no average. Buffers are not averaged.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], half_life: float, batch_size: int
    ) -> None:
        self._raw: list[Tensor] = [p.detach() for p in parameters]
        self._half_life, self._batch_size = half_life, batch_size
        self.averages = [p.clone() for p in self._raw] if half_life else []

    def update(self, step: int) -> None:
        """Average the weights as they are after `step`, counted from 0."""
        if not self.averages:
            return
        half_life = min(self._half_life, step * self._batch_size * EMA_RAMP)
        decay = 0.5 ** (self._batch_size / max(half_life, 1e-8))
        torch._foreach_lerp_(self.averages, self._raw, 1 - decay)

    def swap(self) -> None:
        """Exchange the raw weights in the module with the averages; a second time, back."""
        if not self.averages:
            return
        raw = [p.clone() for p in self._raw]
        torch._foreach_copy_(self._raw, self.averages)
        torch._foreach_copy_(self.averages, raw)

    def adopt(self) -> None:
        """Replace the raw weights by the averages, for good."""
        if self.averages:
            torch._foreach_copy_(self._raw, self.averages)
