"""Two networks that share the times between them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from genzoo_core import Condition, ConfigError, Phase, Stage
from genzoo_core.layers.mlp import MLP
from genzoo_diffusion.config import ExpertsConfig
from genzoo_diffusion.unet import UNet


class Experts(nn.Module):
    """One network for much noise and one for little (Balaji et al. 2022, "eDiff-I", section 3).

    Raises:
        ConfigError: Their embeddings differ in width.
    """

    def __init__(self, config: ExpertsConfig, noisy: MLP | UNet, clear: MLP | UNet) -> None:
        super().__init__()
        if config.clear.embedding != config.embedding:
            raise ConfigError(
                f"noisy embeds its condition in {config.embedding} numbers, "
                f"clear in {config.clear.embedding}",
                "give both the same embedding",
            )
        self.split = config.split
        self.noisy = noisy
        self.clear = clear

    def forward(
        self, x: Tensor, time: Tensor, condition: Condition | None, noisy: Tensor
    ) -> Tensor:
        """Each row's prediction by the network that its time belongs to, with the shape of `x`.

        Args:
            x: Noisy data, `[B, ...]`.
            time: What the noiser's `embed` gives, `[B]`.
            condition: As the networks take it.
            noisy: Whether each row's time is one of `noisy`, bool `[B]`.
        """
        out: Tensor
        if noisy.all():
            out = self.noisy(x, time, condition)
        elif not noisy.any():
            out = self.clear(x, time, condition)
        else:
            rows = noisy.reshape(-1, *[1] * (x.ndim - 1))
            out = torch.where(rows, self.noisy(x, time, condition), self.clear(x, time, condition))
        return out

    def stages(self, whole: Stage) -> tuple[Stage, ...]:
        """Of a stage that trains all, one for all but `clear`, and one for `clear`."""
        clear = tuple(self.clear.parameters())
        own = set(clear)
        first = tuple(p for p in whole.phases[0].parameters if p not in own)
        return tuple(
            replace(whole, name=name, phases=(Phase(name, parameters),))
            for name, parameters in (("noisy", first), ("clear", clear))
        )

    def times_of(self, phase: Phase, t: Tensor) -> Tensor:
        """Times `t` in [0, 1], `[B]`, squeezed into those of the network that `phase` trains."""
        return self.split * t if phase.name == "clear" else self.split + (1 - self.split) * t
