"""Recipes of diffusion models for anyone's own pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import to_builtins

from genzoo_core.layers.config import ResidualMLPConfig
from genzoo_core.recipe import CardRecipe, ModelRecipe, PhaseRecipe, Recipe, StageRecipe
from genzoo_core.specs import ComponentSpec
from genzoo_core.templates import Goal
from genzoo_diffusion.config import DiffusionConfig, Network, UNetConfig

CPU_WIDTHS, GPU_WIDTHS = (48, 32, 24), (128, 96, 64)
"""Widths of the U-Nets, from the largest to the smallest."""

BATCH = 64
LEAST, MOST, PASSES = 300_000, 1_500_000, 120
"""Pictures that a small U-Net sees until it draws well, and how often each of a small dataset: the
recipes of this plugin were trained so long."""


def flow(goal: Goal) -> Sequence[Recipe]:
    """Rectified flows (Liu et al. 2022) on pixels."""
    return _recipes(goal, None, "Rectified flow", "dpmpp-2m", 20)


def ddpm(goal: Goal) -> Sequence[Recipe]:
    """Denoising diffusion (Ho et al. 2020) with the cosine schedule, on pixels."""
    noiser = ComponentSpec("genzoo/ddpm", {"schedule": "cosine", "prediction": "v"})
    return _recipes(goal, noiser, "DDPM", "dpmpp-2m", 20)


def ldm(goal: Goal) -> Sequence[Recipe]:
    """Rectified flows on the latents of a codec (Rombach et al. 2022)."""
    return _recipes(goal, None, "Latent diffusion", "heun", 10)


def _recipes(
    goal: Goal, noiser: ComponentSpec | None, what: str, sampler: str, steps: int
) -> Sequence[Recipe]:
    widths = CPU_WIDTHS if goal.device == "cpu" else GPU_WIDTHS
    return [_recipe(goal, _config(goal, noiser, width, sampler, steps), what) for width in widths]


def _config(
    goal: Goal, noiser: ComponentSpec | None, width: int, sampler: str, steps: int
) -> Mapping[str, object]:
    conditioned = bool(goal.conditioners)
    shape = goal.latent_shape or goal.data.shape
    network = _network(shape, width)
    config = DiffusionConfig(
        noiser=noiser or _straight(network, shape),
        network=network,
        shape=goal.data.shape,
        on="latents" if goal.latent_shape else "pixels",
        sampler=sampler,
        steps=steps,
        guidance=1.5 if conditioned else 1.0,
        unasked="typical" if conditioned else "null",
    )
    fields: Mapping[str, object] = to_builtins(config)
    return fields


def _straight(network: Network, shape: tuple[int, ...]) -> ComponentSpec:
    """A rectified flow.

    Where the network is narrower than what its first layer folds into a place, which are pictures
    of some 64 pixels, it predicts the data, and more steps are taken at much noise.
    """
    narrow = isinstance(network, UNetConfig) and network.width <= shape[0] * network.patch**2
    config = {"prediction": "x0", "shift": 4.0} if narrow else {}
    return ComponentSpec("genzoo/rectified-flow", config)


def _network(shape: tuple[int, ...], width: int) -> Network:
    """A network for data of `shape`, without the batch."""
    if len(shape) != 3:  # latents without places
        return ResidualMLPConfig(width=8 * width, embedding=128)
    channels, *sides = shape
    # The largest size is some 16 places wide: a U-Net on two cores spends its time there.
    patch = 1 if max(sides) <= 16 else 2 if max(sides) <= 32 else 4
    while patch > 1 and any(side % (2 * patch) for side in sides):
        patch //= 2
    halves = all(side % (2 * patch) == 0 for side in sides)
    flat = patch == 4 or channels > 3  # latents are well placed
    return UNetConfig(
        width=width,
        multipliers=(1, 2) if halves else (1,),
        patch=patch,
        flat=4 * width if flat else 0,
    )


def _recipe(goal: Goal, config: Mapping[str, object], what: str) -> Recipe:
    pictures = min(max(LEAST, PASSES * goal.pictures), MOST)
    phase = PhaseRecipe(optimizer="adamw", lr=1e-3, schedule="linear", warmup=200)
    stage = StageRecipe(
        "denoising", steps=pictures // BATCH, batch_size=BATCH, phases={"denoising": phase}
    )
    return Recipe(
        goal.name,
        CardRecipe("diffusion", f"{what} of {goal.data.name}."),
        goal.data,
        ModelRecipe(
            "genzoo/diffusion", dict(config), conditioners=goal.conditioners, parts=goal.parts
        ),
        (stage,),
        precision="bf16",
    )
