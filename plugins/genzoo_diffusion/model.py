"""Diffusion as a generative model: on pixels, or on the latents of a codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from genzoo_core import (
    Batch,
    ComponentSpec,
    Condition,
    ConfigError,
    Context,
    GenzooError,
    Guided,
    OnStep,
    Phase,
    Progress,
    Rng,
    Sampler,
    Stage,
    Start,
    Trajectory,
    UsageError,
)
from genzoo_core.denoising import denoising_errors, guided_denoiser, sample_from
from genzoo_core.errors import did_you_mean
from genzoo_core.sampler import Denoise
from genzoo_diffusion.base import NoisyModel
from genzoo_diffusion.config import PASSES, DiffusionConfig, DiffusionOptions
from genzoo_diffusion.experts import Experts


class Diffusion(Guided, NoisyModel[DiffusionOptions]):
    """Learns to remove noise (Sohl-Dickstein et al. 2015; Ho et al. 2020, "DDPM").

    The noiser says which diffusion it is: DDPM, a rectified flow, EDM. On latents it is that of
    Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models".
    """

    Config = DiffusionConfig
    Options = DiffusionOptions
    stage_name = "denoising"

    def __init__(self, config: DiffusionConfig, context: Context) -> None:
        super().__init__(config, context, config.noiser)
        self.config = config
        self.context = context

    def check_options(self, options: DiffusionOptions) -> None:
        """Refuse a sampler that does not fit, and guidance where nothing can guide."""
        self.guidance(options)
        self.sampler(options)

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: DiffusionOptions,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
        negative: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Remove noise step by step; `on_step` sees the predicted pictures.

        Raises:
            UsageError: No such sampler, one that does not fit the noiser, or guidance of a model
                that takes no condition.
        """
        guidance = self.guidance(options, asked=bool(conditions))
        sampler = self.sampler(options)
        # Before anything else is drawn: a seed's noise is the same with any conditions.
        x = self.noise(rng)
        # What is typical could be the very negative.
        complete = conditions or ({} if negative else self.typical(rng, start))
        guided = complete or negative
        denoise = self.denoiser(complete, rng.n, guidance if guided else 1.0, negative)
        grid = self.noiser.grid(options.steps or self.config.steps).to(x)
        each = on_step and (lambda step, total, x0: on_step(step, total, self.pictures(x0)))
        path = Trajectory(denoise, self.noiser, grid, rng, each)
        passes = options.passes or PASSES
        return self.pictures(sample_from(self.as_data(start), sampler, path, x, passes=passes))

    def denoiser(
        self,
        conditions: Mapping[str, Tensor],
        n: int,
        guidance: float,
        negative: Mapping[str, Tensor] | None = None,
    ) -> Denoise:
        """The model as samplers see it, for `n` images; see `guided_denoiser`."""
        return guided_denoiser(
            self.predict,
            self.noiser,
            self.condition(conditions, n),
            self.condition(negative or {}, n),
            guidance,
            clip=self.config.clip and self.codec is None,
        )

    def sampler(self, options: DiffusionOptions) -> Sampler:
        """The sampler that the options choose, or else the config's.

        Raises:
            UsageError: There is no such one, it does not fit, or its config is not of its type;
                names those that will do.
        """
        chosen = ComponentSpec.of(options.sampler or self.config.sampler)
        config = chosen.config
        if options.eta is not None:
            if options.sampler is not None and "eta" in config:
                raise UsageError("eta and sampler.eta are the same", "set one of them")
            config = {**config, "eta": options.eta}
        name = chosen.component
        try:
            sampler: Sampler = self.context.component("sampler", name, config)
        except ConfigError as error:
            message, others = error.message, self.fitting_samplers(config)
            if options.eta is not None and "`eta`" in message:
                message = f"sampler {name} has no eta"
            if not others:
                raise UsageError(message, "no other fits this model") from error
            hints = (f"this model can use {', '.join(others)}", did_you_mean(name, others))
            raise UsageError(message, "; ".join(filter(None, hints))) from error
        if not sampler.fits(self.noiser):
            raise UsageError(
                f"sampler {name} does not fit how this model was trained",
                f"use {', '.join(self.fitting_samplers({})) or 'none that is installed'}",
            )
        return sampler

    def fitting_samplers(self, config: Mapping[str, Any]) -> list[str]:
        """Names of the samplers that can be built with that config, and fit."""
        fitting = []
        for name in self.context.names("sampler"):
            try:
                sampler: Sampler = self.context.component("sampler", name, config)
            except GenzooError:  # a broken plugin must not hide the sound ones
                continue
            if sampler.fits(self.noiser):
                fitting.append(name)
        return fitting

    def guidance(self, options: DiffusionOptions, *, asked: bool = True) -> float:
        """The scale of guidance: that of the options, or else the config's, with or without prompt.

        Raises:
            UsageError: The options set one, and there is no condition to guide by.
        """
        if options.guidance is None:
            return self.config.guidance if asked else self.config.unasked_guidance
        if options.guidance != 1 and not self.conditioners:
            raise UsageError(
                "this model takes no prompt, so nothing can guide it", "leave out the guidance"
            )
        return options.guidance

    def predict(self, x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        """What the network predicts for `x`, `[B, ...]`, at times `t`, `[B]`; shaped as `x`."""
        whose = (t >= self.network.split,) if isinstance(self.network, Experts) else ()
        out: Tensor = self.network(x, self.noiser.embed(t), condition, *whose)
        return out

    def stages(self) -> tuple[Stage, ...]:
        """One, or one for each of two networks, after a pass where there are latents."""
        stages = super().stages()
        return self.network.stages(stages[0]) if isinstance(self.network, Experts) else stages

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The noiser's weighted mean squared error (Ho et al. 2020, equation 14)."""
        x = self.data(batch, rng)
        condition = self.condition(batch.conditions, len(x))
        t = self.noiser.sample_t(rng, x)
        if isinstance(self.network, Experts):
            t = self.network.times_of(phase, t)
        error, weight = denoising_errors(self.predict, self.noiser, x, condition, rng, t)
        return (weight * error).mean(), {"mse": error.detach().mean()}
