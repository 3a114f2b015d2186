"""Recipes of GANs for anyone's own pictures."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import to_builtins

from genzoo_core.recipe import CardRecipe, ModelRecipe, PhaseRecipe, Recipe, StageRecipe
from genzoo_core.templates import Goal
from genzoo_gan.config import AugmentConfig, ConvConfig, GANConfig, ZeroCentredPenalty

CPU_WIDTHS, GPU_WIDTHS = (32, 24, 16), (96, 64, 48)
"""Widths of both networks, from the largest to the smallest."""

BATCH = 64
LEAST, MOST, PASSES = 400_000, 1_000_000, 100
"""Pictures that both networks see until the generator draws well, and how often each of a small
dataset: the recipes of this plugin were trained so long."""

FEW = 20_000
"""Of fewer pictures a discriminator learns some by heart, so they are changed."""


def gan(goal: Goal) -> Sequence[Recipe]:
    """R3GAN (Huang et al. 2024) in small."""
    widths = CPU_WIDTHS if goal.device == "cpu" else GPU_WIDTHS
    return [_recipe(goal, width) for width in widths]


def _recipe(goal: Goal, width: int) -> Recipe:
    config = GANConfig(
        shape=goal.data.shape,
        latent=64,
        network=ConvConfig(width=width, critic_width=width),
        loss="relativistic",
        penalty=ZeroCentredPenalty(gamma=0.5, final_gamma=0.05, every=4),
        augment=AugmentConfig(probability=0.4) if goal.pictures < FEW else None,
        mismatched=0.5 if goal.conditioners else 0.0,
    )
    pictures = min(max(LEAST, PASSES * goal.pictures), MOST)
    phase = PhaseRecipe(lr=4e-4, betas=(0.0, 0.99), final_lr=4e-5, clip=0.0)
    stage = StageRecipe(
        "adversarial",
        steps=pictures // BATCH,
        batch_size=BATCH,
        phases={"discriminator": phase, "generator": phase},
    )
    return Recipe(
        goal.name,
        CardRecipe("gan", f"R3GAN in small, of {goal.data.name}."),
        goal.data,
        ModelRecipe(
            "genzoo/gan", to_builtins(config), conditioners=goal.conditioners, parts=goal.parts
        ),
        (stage,),
        precision="bf16",
    )
