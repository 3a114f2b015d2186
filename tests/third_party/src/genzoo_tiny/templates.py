"""A recipe template for anyone's own pictures."""

from __future__ import annotations

from collections.abc import Sequence

from genzoo_core.recipe import CardRecipe, ModelRecipe, Recipe, StageRecipe
from genzoo_core.templates import Goal


def tiny(goal: Goal) -> Sequence[Recipe]:
    """genzoo's diffusion with the smallest of networks; it is told nothing."""
    config = {
        "shape": list(goal.data.shape),
        "noiser": {"component": "genzoo/rectified-flow"},
        "network": {"type": "mlp", "width": 16, "blocks": 1, "embedding": 16},
    }
    model = ModelRecipe("genzoo/diffusion", config)
    stage = StageRecipe("denoising", steps=50, batch_size=16)
    return [Recipe(goal.name, CardRecipe("diffusion", "Tiny."), goal.data, model, (stage,))]
