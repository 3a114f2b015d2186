"""Diffusion on pixels or on the latents of a shared codec."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from genzoo_core import (
    Batch,
    Context,
    GenerativeModel,
    Inpainting,
    OnStep,
    Phase,
    Progress,
    Rng,
    Sampler,
    ScheduledNoiser,
    Stage,
    Start,
    Trajectory,
)
from genzoo_core.denoising import sample_from
from genzoo_core.sampler import Denoise
from genzoo_tiny.config import DiffusionConfig, DiffusionOptions
from genzoo_tiny.networks import Net

D = 8


class TinyDiffusion(Inpainting, GenerativeModel[DiffusionOptions]):
    """Deterministic DDIM (Song et al. 2021) with classifier-free guidance."""

    Config = DiffusionConfig
    Options = DiffusionOptions

    def __init__(self, config: DiffusionConfig, context: Context) -> None:
        super().__init__(context, D)
        self.sample_shape = config.shape
        self.noiser: ScheduledNoiser = context.component(
            "noiser", config.noiser.component, config.noiser.config
        )
        self.sampler: Sampler = context.component("sampler", "genzoo/euler", {})
        if config.on == "latents":
            self.codec = context.part("codec")
        self.data_shape = config.shape if self.codec is None else self.codec.latent_shape
        size = math.prod(self.data_shape)
        self.net = Net(size, size, config.hidden, D)

    def predict(self, x: Tensor, t: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        condition = self.condition(conditions, len(x))
        out: Tensor = self.net(x, condition, self.noiser.embed(t))
        return out.reshape(x.shape)

    def denoiser(self, conditions: Mapping[str, Tensor], n: int, guidance: float) -> Denoise:
        def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            prediction = self.predict(x, t, conditions)
            if guidance != 1:
                base = self.predict(x, t, {})
                prediction = base + guidance * (prediction - base)
            return self.noiser.split(prediction, x, t)

        return denoise

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: DiffusionOptions,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
    ) -> Tensor:
        def step_done(step: int, total: int, x0: Tensor) -> None:
            if on_step is not None:
                on_step(step, total, self.pictures(x0))

        x = self.noiser.prior(rng, self.data_shape, self.net.write.weight)
        grid = self.noiser.grid(options.steps).to(x)
        if start is not None and self.codec is not None:
            start = start.encoded(self.codec)
        denoise = self.denoiser(conditions, rng.n, options.guidance)
        path = Trajectory(denoise, self.noiser, grid, rng, step_done)
        return self.pictures(sample_from(start, self.sampler, path, x))

    def pictures(self, x: Tensor) -> Tensor:
        return (x if self.codec is None else self.codec.decode(x)).clamp(-1, 1)

    def stages(self) -> tuple[Stage, ...]:
        trained = (*self.net.parameters(), *self.conditioning.parameters())
        return (Stage("denoise", (Phase("denoise", trained),)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        x = batch.images
        if self.codec is not None:
            with torch.no_grad():
                x = self.codec.encode(x).mode()
        t = self.noiser.sample_t(rng, x)
        noise = rng.normal(x.shape[1:], x)
        prediction = self.predict(self.noiser.perturb(x, noise, t), t, batch.conditions)
        error = (prediction - self.noiser.target(x, noise, t)).square().flatten(1).mean(1)
        return (self.noiser.weight(t) * error).mean(), {}
