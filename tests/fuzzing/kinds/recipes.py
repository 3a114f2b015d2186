"""Recipes: read, and what they train built, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.judging import expect
from fuzzing.material import RECIPE, on_path, trap
from fuzzing.mutations import as_toml, changed, changed_text

import genzoo
from genzoo_core import ModelSpec, Recipe

ROOT = Path(__file__).parents[3]


def prepare() -> Callable[[Random], None]:
    import tomllib

    ran = trap(on_path("site"))
    zoo = genzoo.open_zoo()
    shipped = sorted(ROOT.glob("plugins/*/recipes/*.toml"))
    sound = [tomllib.loads(path.read_text(encoding="utf-8")) for path in shipped]
    path = Path("mutated.toml")
    path.write_text(as_toml(RECIPE))
    build(zoo, zoo.recipe(path.name))  # the first imports torch

    def example(chance: Random) -> None:
        whole = chance.choice([RECIPE, chance.choice(sound)])
        text = as_toml(changed(chance, whole)).encode("utf-8", "surrogatepass")
        path.write_bytes(changed_text(chance, text) if chance.random() < 0.2 else text)
        recipe = zoo.recipe(path.name)
        expect(recipe.stages, "a recipe without stages was read")
        if recipe.model.config.get("latent") == 3 and not recipe.model.parts:
            build(zoo, recipe)
        expect(not ran.exists(), "it imported what the recipe names")

    return example


def build(zoo: genzoo.zoo.Zoo, recipe: Recipe) -> None:
    """Build the module that a recipe trains."""
    model = recipe.model
    conditioners = {name: given.spec() for name, given in model.conditioners.items()}
    zoo.build(
        ModelSpec(model.component, model.config, model.kind, conditioners, model.parts),
        training=True,
    )
