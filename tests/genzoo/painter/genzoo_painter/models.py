"""A model that paints in one step or in several, with or without conditions and a codec."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from genzoo_core.component import Context
from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Codec, Posterior
from genzoo_core.model import GenerativeModel, Inpainting, OnStep, Start
from genzoo_core.rng import Rng
from genzoo_core.training import Batch, Phase, Progress, Stage
from genzoo_painter.config import NothingConfig, PainterConfig, PainterOptions

LATENT = 8


class PainterCodec(Codec):
    Config = NothingConfig
    latent_shape = (LATENT,)

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape
        pixels = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Linear(pixels, LATENT)
        self.decoder = nn.Linear(LATENT, pixels)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        mean = self.encoder(x.flatten(1))
        return Posterior(mean, torch.ones_like(mean))

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        return torch.tanh(3 * self.decoder(z)).reshape(-1, *self.shape)


class PainterCodes(PainterCodec):
    """Its latents are the nearest of so many numbers from -1 to 1, by their places."""

    def __init__(self, shape: tuple[int, int, int], codes: int) -> None:
        super().__init__(shape)
        self.codebook_size = codes
        self.register_buffer("codebook", torch.linspace(-1, 1, codes))

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        distances = (self.encoder(x.flatten(1))[..., None] - self.codebook).abs()
        return Posterior(distances.argmin(-1))

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        return super().decode(self.codebook[z])


class Painter(Inpainting, GenerativeModel[PainterOptions]):
    Config = PainterConfig
    Options = PainterOptions

    def __init__(self, config: PainterConfig, context: Context) -> None:
        super().__init__(context, LATENT if config.conditioned else None)
        self.config = config
        self.sample_shape = config.shape
        painter = PainterCodec(config.shape)
        if config.codes:
            painter = PainterCodes(config.shape, config.codes)
        if config.codec:
            self.codec = painter
        else:
            self.painter = painter

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: PainterOptions,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
    ) -> Tensor:
        fail(options.fault, rng.n)
        sys.stdout.write("a plugin that talks too much\n")
        z = options.temperature * rng.normal((LATENT,), torch.empty(0))
        condition = self.condition(conditions, rng.n)
        if condition is not None:
            z = z + 3 * condition.vector
        codec = self.codec or self.painter
        if codec.codebook_size is not None:
            z = rng.integers(codec.codebook_size, (LATENT,), z)
        out = codec.decode(z)
        if options.fault == "wild":
            out = out / torch.zeros_like(out)
        if options.fault == "overwriting" and start is not None and start.mask is not None:
            start.images.zero_()
            start.mask.fill_(True)
        if options.fault in OTHERS:
            return OTHERS[options.fault](out)
        if options.fault == "crowded":
            # What no model should do, and rounding does a little: it tells batches apart.
            out = 0.5 * out + rng.n / 200
        if self.config.stepwise and on_step is not None:
            for step in range(1, options.steps + 1):
                on_step(step, options.steps, out * (step / options.steps))
        return out

    def stages(self) -> tuple[Stage, ...]:
        return ()

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        raise NotImplementedError


OTHERS: dict[str | None, Callable[[Tensor], Any]] = {
    "tiny": lambda out: out[..., :1, :1],
    "single": lambda out: out[0],
    "nothing": lambda out: None,
}
"""What is given in place of the pictures."""


def fail(fault: str | None, n: int) -> None:
    """What can go wrong: "slow" says when it samples and takes its time, "hungry" asks
    for more memory than there is but for a single picture, "starving" for that as well, "lost"
    opens what is not there."""
    if fault == "lost":
        open("weights-that-are-gone").close()
    if fault == "slow":
        sys.stderr.write("sampling\n")
        time.sleep(0.3)
    elif fault == "starving" or (fault == "hungry" and n > 1):
        torch.empty(n << 50, dtype=torch.uint8)
