"""Diffusion as a generative model: on pixels, or on the latents of a codec."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from genzoo_core import (
    Batch,
    ComponentSpec,
    Condition,
    ConfigError,
    Context,
    GenerativeModel,
    Guided,
    Inpainting,
    OnStep,
    Phase,
    Progress,
    Rng,
    Sampler,
    ScheduledNoiser,
    Start,
    Trajectory,
    UsageError,
)
from genzoo_core.denoising import denoising_errors, guided_denoiser, sample_from
from genzoo_core.sampler import Denoise
from genzoo_diffusion.config import PASSES, DiffusionConfig, DiffusionOptions, UNetConfig
from genzoo_diffusion.latents import codec_of, pictures_of
from genzoo_diffusion.networks import build_network, check_tokens
from genzoo_diffusion.sampling import find_sampler, says_enough


class Diffusion(Inpainting, Guided, GenerativeModel[DiffusionOptions]):
    """Learns to remove noise (Sohl-Dickstein et al. 2015; Ho et al. 2020, "DDPM").

    The noiser says which diffusion it is: DDPM, a rectified flow, EDM. On latents it is that of
    Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models".
    """

    Config = DiffusionConfig
    Options = DiffusionOptions
    stage_name = "denoising"

    def __init__(self, config: DiffusionConfig, context: Context) -> None:
        unet = isinstance(config.network, UNetConfig)
        super().__init__(context, config.network.embedding, spatial=unet)
        self.config = config
        self.context = context
        self.sample_shape = config.shape
        check_tokens(config.network, self.conditioners)
        noiser = context.component("noiser", config.noiser.component, config.noiser.config)
        if not isinstance(noiser, ScheduledNoiser):
            raise ConfigError(
                f"noiser {config.noiser.component} has no schedule of times",
                "diffusion needs one that has, such as genzoo/rectified-flow",
            )
        self.noiser = noiser
        if config.on == "latents":
            self.codec = codec_of(context.part("codec"))
        self.data_shape = config.shape if self.codec is None else self.codec.latent_shape
        self.network = build_network(
            config.network, self.data_shape, spatial=bool(self.conditioning.spatial)
        )

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

        A picture to start from says itself what it shows: where nothing is asked, null.

        Raises:
            UsageError: No such sampler, one that does not fit the noiser, or guidance of a model
                that takes no condition.
        """
        guidance = self.guidance(options, prompted=bool(conditions))
        sampler = self.sampler(options)
        # Before anything else is drawn: a seed's noise is the same whatever is asked.
        x = self.noiser.prior(rng, self.data_shape, next(self.network.parameters()))
        # What is typical could be the very negative.
        given = conditions or ({} if negative or says_enough(start) else self.unasked(rng))
        guided = given or negative
        denoise = self.denoiser(given, rng.n, guidance if guided else 1.0, negative)
        grid = self.noiser.grid(options.steps or self.config.steps).to(x)

        def step_done(step: int, total: int, x0: Tensor) -> None:
            assert on_step is not None
            on_step(step, total, self.pictures(x0))

        told = None if on_step is None else step_done
        if start is not None and self.codec is not None:
            start = start.encoded(self.codec)
        path = Trajectory(denoise, self.noiser, grid, rng, told)
        passes = options.passes or PASSES
        return self.pictures(sample_from(start, sampler, path, x, passes=passes))

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

    def unasked(self, rng: Rng) -> dict[str, Tensor]:
        """Prepared values where nothing was asked, by name of the conditioner; {} for null."""
        if self.config.unasked == "null":
            return {}
        return {name: conditioner.typical(rng) for name, conditioner in self.conditioners.items()}

    def sampler(self, options: DiffusionOptions) -> Sampler:
        """The sampler that is asked for, or else the config's.

        Raises:
            UsageError: There is no such one, it does not fit, or its config is not of its type.
        """
        chosen = ComponentSpec.of(options.sampler or self.config.sampler)
        config = chosen.config
        if options.eta is not None:
            if options.sampler is not None and "eta" in config:
                raise UsageError("eta and sampler.eta are the same", "set one of them")
            config = {**config, "eta": options.eta}
        return find_sampler(self.context, self.noiser, chosen.component, config)

    def guidance(self, options: DiffusionOptions, *, prompted: bool = True) -> float:
        """The scale of guidance: what is said, or else the config's for what is asked or is not.

        Raises:
            UsageError: Guidance is asked for, and there is no condition to guide by.
        """
        if options.guidance is None:
            return self.config.guidance if prompted else self.config.unasked_guidance
        if options.guidance != 1 and not self.conditioners:
            raise UsageError(
                "this model takes no prompt, so nothing can guide it", "leave out the guidance"
            )
        return options.guidance

    def predict(self, x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        """What the network predicts for `x`, `[B, ...]`, at times `t`, `[B]`; shaped as `x`."""
        out: Tensor = self.network(x, self.noiser.embed(t), condition)
        return out

    def pictures(self, x: Tensor) -> Tensor:
        """Data as pictures, `[B, C, H, W]` in [-1, 1].

        Raises:
            ConfigError: The codec's pictures are not of the shape that the config says.
        """
        return pictures_of(x, self.codec, self.sample_shape)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The noiser's weighted mean squared error (Ho et al. 2020, equation 14)."""
        x = batch.images
        if self.codec is not None:
            with torch.no_grad():
                x = self.codec.encode(x).sample(rng)
        condition = self.condition(batch.conditions, len(x))
        error, weight = denoising_errors(self.predict, self.noiser, x, condition, rng)
        return (weight * error).mean(), {"mse": error.detach().mean()}
