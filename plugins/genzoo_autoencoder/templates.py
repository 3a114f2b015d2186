"""Recipes of codecs, and of autoencoders and VAEs whose latents a flow draws, for own pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import to_builtins

from genzoo_autoencoder.config import AutoencoderConfig, ConvConfig, FlowPriorConfig
from genzoo_autoencoder.spatial import SpatialCodecConfig
from genzoo_core.recipe import CardRecipe, ModelRecipe, PhaseRecipe, Recipe, StageRecipe
from genzoo_core.templates import Goal

CPU_WIDTHS, GPU_WIDTHS = (32, 24, 16), (96, 64, 48)
"""Widths of the encoder and the decoder, from the largest to the smallest."""

BATCH, FLOW_BATCH, FLOW_STEPS = 64, 256, 8000
LEAST, MOST, PASSES = 300_000, 600_000, 40
"""Pictures that an autoencoder sees until its copies are sharp, and how often each of a small
dataset: the recipes of this plugin were trained so long."""

NUMBERS = 24
"""Values of a picture for each of its latent numbers; at least 32 latents, at most 256."""


def codec(goal: Goal) -> Sequence[Recipe]:
    """Codecs for latent diffusion (Rombach et al. 2022)."""
    phase = PhaseRecipe(lr=1e-3, warmup=200)
    stage = StageRecipe(
        "reconstruction",
        steps=_pictures(goal) // BATCH,
        batch_size=BATCH,
        phases={"reconstruction": phase},
    )
    configs = [SpatialCodecConfig(goal.data.shape, width=width) for width in _widths(goal)]
    return [
        Recipe(
            goal.name,
            CardRecipe("autoencoder", f"Codec of {goal.data.name}."),
            goal.data,
            ModelRecipe("genzoo/spatial-codec", to_builtins(config), kind="codec"),
            (stage,),
            precision="bf16",
        )
        for config in configs
    ]


def autoencoder(goal: Goal) -> Sequence[Recipe]:
    """Autoencoders with a flow over their latents."""

    def config(width: int) -> Mapping[str, object]:
        fields: Mapping[str, object] = to_builtins(
            AutoencoderConfig(
                shape=goal.data.shape,
                latent=latent_size(goal),
                network=ConvConfig(width=width),
                latent_penalty=1e-4,
                prior=flow_prior(goal),
            )
        )
        return fields

    phase = PhaseRecipe(lr=1e-3, warmup=200, weight_decay=1e-7)
    return two_stages(goal, "genzoo/autoencoder", "Autoencoder", config, {"reconstruction": phase})


def latent_size(goal: Goal) -> int:
    """Latent numbers for pictures of a size."""
    return min(max(32, math.prod(goal.data.shape) // NUMBERS // 8 * 8), 256)


def flow_prior(goal: Goal) -> FlowPriorConfig:
    """The flow that draws the latents."""
    wide = "text" in goal.conditioners
    guidance = 1.5 if goal.conditioners else 1.0
    return FlowPriorConfig(width=256 if wide else 160, embedding=64, guidance=guidance)


def two_stages(
    goal: Goal,
    component: str,
    what: str,
    config: Callable[[int], Mapping[str, object]],
    phases: Mapping[str, PhaseRecipe],
) -> Sequence[Recipe]:
    """Recipes that train the copying first, then the flow over the latents.

    Args:
        goal: What is learnt.
        component: What is trained.
        what: Its name for people.
        config: The component's config for a width.
        phases: The one phase of the first stage, which is called as the stage is.
    """
    batch = FLOW_BATCH if goal.pictures >= FLOW_BATCH else BATCH
    (first,) = phases
    prior = PhaseRecipe(optimizer="adamw", lr=1e-3, schedule="linear", warmup=200)
    stages = (
        StageRecipe(first, steps=_pictures(goal) // BATCH, batch_size=BATCH, phases=dict(phases)),
        StageRecipe("prior", steps=FLOW_STEPS, batch_size=batch, phases={"prior": prior}),
    )
    family = component.rpartition("/")[2]
    return [
        Recipe(
            goal.name,
            CardRecipe(family, f"{what} with a flow over its latents, of {goal.data.name}."),
            goal.data,
            ModelRecipe(
                component, dict(config(width)), conditioners=goal.conditioners, parts=goal.parts
            ),
            stages,
            precision="bf16",
        )
        for width in _widths(goal)
    ]


def _pictures(goal: Goal) -> int:
    """Pictures that the first stage sees."""
    return min(max(LEAST, PASSES * goal.pictures), MOST)


def _widths(goal: Goal) -> Sequence[int]:
    return CPU_WIDTHS if goal.device == "cpu" else GPU_WIDTHS
