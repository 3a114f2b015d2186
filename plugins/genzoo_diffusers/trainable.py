"""Networks of diffusers as components: what is trained from a checkpoint, and stored by genzoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from msgspec import Meta
from torch import Tensor

from genzoo_core import (
    Batch,
    Condition,
    Config,
    ConfigError,
    Context,
    Phase,
    Progress,
    Rng,
    ScheduledNoiser,
)
from genzoo_core.conditioner import Conditioning
from genzoo_core.denoising import denoising_errors
from genzoo_core.noiser import Prediction
from genzoo_core.ranges import ImageShape
from genzoo_core.specs import ModelSpec
from genzoo_diffusers.classes import library
from genzoo_diffusers.describing import shrinkage
from genzoo_diffusers.options import DiTOptions, UNet2DOptions
from genzoo_diffusers.pipeline import IMAGENET, PipelineModel

# Imported now: what a library makes while it is imported must not be made without weights.
diffusers = library("diffusers")
DDIM, UNET = diffusers.DDIMScheduler, diffusers.UNet2DModel
DIT, VAE = diffusers.DiTTransformer2DModel, diffusers.AutoencoderKL
UNET_PIPELINE, DIT_PIPELINE = diffusers.DDIMPipeline, diffusers.DiTPipeline

PREDICTIONS: dict[str, Prediction] = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}
"""What a scheduler calls the prediction of its network, and what a noiser does."""

NONE = "none"
"""Stands for a setting that is None, for which TOML has no word."""

# A config may come from a stranger's file.
Scalar = (
    bool
    | Annotated[int, Meta(ge=-100_000, le=100_000)]
    | Annotated[float, Meta(ge=-1e5, le=1e5)]
    | Annotated[str, Meta(max_length=200)]
)
List = Annotated[
    list[Scalar | Annotated[list[Scalar], Meta(max_length=1000)]], Meta(max_length=10_000)
]
Settings = Annotated[
    dict[Annotated[str, Meta(max_length=100)], Scalar | List], Meta(max_length=200)
]

MOST_PLACES = 2**26
"""Values of a transformer's positions."""

OF_PICTURES = ("sample_size", "in_channels", "out_channels", "num_class_embeds")
"""Settings of a `UNet2DModel` that follow from the pictures."""


class Schedule(ScheduledNoiser):
    """The noise of a scheduler; time `t` of `T` steps is its timestep `T t - 1`."""

    def __init__(self, scheduler: Any) -> None:
        super().__init__()
        self.prediction = PREDICTIONS[scheduler.config.prediction_type]
        self._signal: Tensor = scheduler.alphas_cumprod

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The roots of alpha_cumprod and of what it lacks to 1."""
        signal = self._signal.to(t.device)[self.embed(t)]
        return signal.sqrt(), (1 - signal).sqrt()

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """Whole steps, each as often."""
        steps = len(self._signal)
        return (rng.integers(steps, (), like).to(torch.float32) + 1) / steps

    def embed(self, t: Tensor) -> Tensor:
        """The timestep, int64 `[B]`."""
        return (t * len(self._signal)).round().long() - 1


class DiffusersConfig(Config):
    """A network of diffusers, with what it is sampled with.

    Settings are those of its `config.json`, but what follows from `shape`; "none" is None.

    Attributes:
        network: Settings of the network.
        shape: (C, H, W) of a picture.
        scheduler: Settings of a `DDIMScheduler`: the betas, and what the network predicts.
        vae: Settings of the `AutoencoderKL` on whose latents a transformer works.
    """

    network: Settings
    shape: ImageShape
    scheduler: Settings = {}
    vae: Settings = {}


class DiffusersModel(PipelineModel):
    """A pipeline of diffusers whose network is trained; its samples are that pipeline's."""

    Config = DiffusersConfig
    stage_name = "denoising"

    def __init__(self, config: DiffusersConfig, context: Context) -> None:
        pipeline = self.made(config, _classes(context))
        pipeline.set_progress_bar_config(disable=True)
        super().__init__(pipeline, config.shape, None, None)
        self.config = config
        # Positions are a buffer that diffusers does not store; a file of genzoo's holds all.
        self.unstored = [(m, set(m._non_persistent_buffers_set)) for m in self.modules()]
        for module, _ in self.unstored:
            module._non_persistent_buffers_set.clear()

    def made(self, config: DiffusersConfig, classes: Sequence[str]) -> Any:
        """The pipeline, its weights fresh."""
        raise NotImplementedError

    def predict(self, x: Tensor, steps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the network predicts for `x`, `[B, C, H, W]`, at timesteps `[B]`; shaped as `x`."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        for module, names in self.unstored:
            module._non_persistent_buffers_set |= names
        super().save(folder)

    def loss(  # type: ignore[override]
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The mean squared error of the prediction at random steps (Ho et al. 2020, eq. 14)."""
        x = batch.images
        if self.codec is not None:
            with torch.no_grad():
                x = self.codec.encode(x).sample(rng)
        noiser = Schedule(DDIM.from_config(self.pipeline.scheduler.config))

        def predict(x: Tensor, t: Tensor, _: Condition | None) -> Tensor:
            return self.predict(x, noiser.embed(t), batch.conditions)

        error, weight = denoising_errors(predict, noiser, x, None, rng)
        return (weight * error).mean(), {"mse": error.detach().mean()}


class UNet2D(DiffusersModel):
    """`UNet2DModel` on pixels, sampled by `DDIMPipeline`."""

    Options: ClassVar[Any] = UNet2DOptions

    def made(self, config: DiffusersConfig, classes: Sequence[str]) -> Any:
        if classes:
            raise ConfigError("a UNet2DModel of a pipeline takes no classes")
        channels, height, width = config.shape
        size = height if height == width else (height, width)
        settings = _plain(config.network)
        network = UNET(**settings, sample_size=size, in_channels=channels, out_channels=channels)
        return UNET_PIPELINE(network, DDIM.from_config(_plain(config.scheduler)))

    def predict(self, x: Tensor, steps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = self.pipeline.unet(x, steps).sample
        return found


class DiT(DiffusersModel):
    """`DiTTransformer2DModel` on the latents of a frozen `AutoencoderKL` (Peebles & Xie 2023).

    Classes take the places of the first of those that the network was made with, so that its null
    class stays where `DiTPipeline` looks for it.
    """

    Options: ClassVar[Any] = DiTOptions

    def __init__(self, config: DiffusersConfig, context: Context) -> None:
        super().__init__(config, context)
        self.pipeline.vae.requires_grad_(False)
        self.conditioning = Conditioning(context, "prepared")
        self.conditioners = self.conditioning.by_name

    def made(self, config: DiffusersConfig, classes: Sequence[str]) -> Any:
        settings, vae = _plain(config.network), _plain(config.vae)
        channels, height, width = config.shape
        shrinks = shrinkage(vae)
        if height != width or height % shrinks or channels != vae.get("in_channels", 3):
            raise ConfigError(
                f"a DiTPipeline makes squares of {vae.get('in_channels', 3)} channels with sides "
                f"of a multiple of {shrinks}",
                "choose another --size",
            )
        places = max(settings.get("num_embeds_ada_norm", IMAGENET), len(classes))
        width = settings.get("num_attention_heads", 16) * settings.get("attention_head_dim", 72)
        if (height // shrinks) ** 2 * width > MOST_PLACES:
            raise ConfigError("a network so wide has no room for pictures so large")
        settings |= {"sample_size": height // shrinks, "num_embeds_ada_norm": places}
        network = DIT(**settings)
        for module in network.modules():
            if hasattr(module, "dropout_prob"):  # the recipe drops classes
                module.dropout_prob = 0
        names = dict(enumerate(classes))
        scheduler = DDIM.from_config(_plain(config.scheduler))
        return DIT_PIPELINE(network, VAE(**vae), scheduler, names or None)

    def predict(self, x: Tensor, steps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        classes = self._numbers(conditions, len(x)).to(x.device)
        found: Tensor = self.pipeline.transformer(x, timestep=steps, class_labels=classes).sample
        return found[:, : x.shape[1]]  # what follows is a variance, which the pipeline leaves out

    def train(self, mode: bool = True) -> DiT:
        super().train(mode)
        self.pipeline.vae.eval()
        return self

    def _numbers(self, conditions: Mapping[str, Tensor], n: int) -> Tensor:
        """The network's number of each class, int64 `[n]`; its null for null."""
        for name, prepared in self.conditioning.complete(conditions, n).items():
            known = prepared < (self.conditioners[name].categories or 0)
            return torch.where(known, prepared, self._classes)
        return torch.full((n,), self._classes)

    def _subject(
        self,
        conditions: Mapping[str, Tensor],
        negative: Mapping[str, Tensor] | None,
        rows: slice,
        seeds: Sequence[int],
    ) -> dict[str, Any]:
        labels = {name: prepared[rows] for name, prepared in conditions.items()}
        return {"class_labels": self._numbers(labels, len(seeds)).tolist()}


def spec_of(pipeline: Any, shape: tuple[int, int, int]) -> ModelSpec | None:
    """The component that the network of a pipeline can be trained as; None where there is none."""
    kind, scheduler = type(pipeline).__name__, pipeline.scheduler
    able = {type(scheduler).__name__, *getattr(scheduler, "_compatibles", ())}
    if "DDIMScheduler" not in able or scheduler.config.prediction_type not in PREDICTIONS:
        return None
    fields: dict[str, Any] = {
        "shape": list(shape),
        "scheduler": _settings(DDIM.from_config(scheduler.config)),
    }
    if kind in ("DDPMPipeline", "DDIMPipeline") and type(pipeline.unet) is UNET:
        config = pipeline.unet.config
        if config.in_channels != config.out_channels or config.class_embed_type:
            return None
        if config.num_class_embeds:
            return None
        return ModelSpec(
            "genzoo/unet-2d", {**fields, "network": _settings(pipeline.unet, OF_PICTURES)}
        )
    if kind == "DiTPipeline" and type(pipeline.vae) is VAE:
        network = _settings(pipeline.transformer, ("sample_size",))
        return ModelSpec(
            "genzoo/dit", {**fields, "network": network, "vae": _settings(pipeline.vae)}
        )
    return None


def _settings(part: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a part, as plain data that TOML can hold."""
    return {
        key: NONE if value is None else list(value) if isinstance(value, tuple) else value
        for key, value in part.config.items()
        if not key.startswith("_") and key not in without
    }


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value == NONE else value for key, value in settings.items()}


def _classes(context: Context) -> tuple[str, ...]:
    """The names of the classes of the one conditioner that there may be."""
    specs = list(context.conditioners.values())
    if not specs:
        return ()
    if len(specs) > 1 or "classes" not in specs[0].config:
        raise ConfigError("a network of diffusers takes classes alone as its condition")
    return tuple(map(str, specs[0].config["classes"]))
