"""Fields of a recipe, changed on the command line: refused, if only for want of data."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from fuzzing.judging import RefusedError, command
from fuzzing.material import RECIPE
from fuzzing.mutations import as_toml, hostile


def prepare() -> Callable[[Random], None]:
    Path("recipe.toml").write_text(as_toml(RECIPE))
    Path("data").mkdir()
    with suppress(RefusedError):  # the first imports what reads data
        command("train", "recipe.toml", "--data", "data")

    def example(chance: Random) -> None:
        words = [f"--set={setting(chance, RECIPE)}" for _ in range(chance.choice([1, 1, 2]))]
        command("train", "recipe.toml", "--data", "data", *words)

    return example


def setting(chance: Random, recipe: object) -> str:
    """A `--set` of some field of a recipe."""
    place = []
    while isinstance(recipe, dict | list) and recipe and (not place or chance.random() < 0.8):
        key = chance.choice(list(recipe) if isinstance(recipe, dict) else range(len(recipe)))
        place.append(str(key))
        recipe = recipe[key]
    value = hostile(chance)
    text = value if isinstance(value, str) else json.dumps(value)
    if chance.random() < 0.1:
        place.insert(chance.randrange(len(place) + 1), str(hostile(chance))[:50])
    return chance.choice([f"{'.'.join(place)}={text}"] * 9 + [".".join(place), text])
