"""Recipe templates: recipes that a family writes for data that nobody has seen before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genzoo_core.config import Config
from genzoo_core.recipe import ConditionerRecipe, DataRecipe, Recipe
from genzoo_core.specs import PartSpec


class Goal(Config):
    """What a model is to learn.

    Attributes:
        name: Name of the model.
        data: Its pictures, and their shape.
        pictures: How many it is trained on.
        conditioners: What it is conditioned on, by name; none for pictures alone.
        parts: Parts that the conditioners need, and those that were trained first, by role.
        latent_shape: Of the latents of the part "codec", without the batch; () without one.
        device: Where it is trained: "cpu", "cuda", "mps".
    """

    name: str
    data: DataRecipe
    pictures: int
    conditioners: dict[str, ConditionerRecipe] = {}
    parts: dict[str, PartSpec] = {}
    latent_shape: tuple[int, ...] = ()
    device: str = "cpu"


Template = Callable[[Goal], Sequence[Recipe]]
"""Makes recipes for a goal, from the largest network that could learn it to the smallest.

The steps of their stages say how long it takes to learn it well. The first recipe that does so in
the time that there is is taken, and its steps are stretched to fill the time; where none does, the
last is, and its steps are cut.
"""
