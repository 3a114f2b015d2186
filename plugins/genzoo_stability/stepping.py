"""Steps of the trainer without a training: to count their cost, and to look at their gradients."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from msgspec.structs import replace
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ModelSpec
from genzoo_core.zoo import Zoo
from genzoo_train.api import StageLoop, stage_loop

LONG = 1_000_000
"""Steps of a training that is always at its beginning: penalties' weights fall over its length."""

ROUNDS = 5


def fresh_stage(zoo: Zoo, recipe: Recipe, images: Tensor, seed: int) -> StageLoop:
    """A training on images uint8 `[N, C, H, W]` from fresh weights without conditions, at constant
    learning rates.

    Raises:
        ConfigError: The recipe has other stages than the model.
    """
    model = recipe.model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = zoo.build(ModelSpec(model.component, model.config), training=True)
    stages = tuple(
        replace(
            stage,
            epochs=None,
            steps=LONG,
            phases={
                name: replace(phase, schedule="constant", warmup=0)
                for name, phase in stage.phases.items()
            },
        )
        for stage in recipe.stages
    )
    return stage_loop(built, replace(recipe, stages=stages), Dataset(images))


def steps_per_second(
    zoo: Zoo, recipes: Mapping[str, Recipe], images: Tensor, seconds: float
) -> dict[str, float]:
    """Training steps that each recipe makes in a second of CPU time, of so many that it trains.

    The recipes take turns, and the best of each one's rounds counts: other work of the machine
    can only slow a round down. Torch's number of threads is to be 1.
    """
    loops = {name: fresh_stage(zoo, recipe, images, 0) for name, recipe in recipes.items()}
    best = dict.fromkeys(recipes, 0.0)
    with torch.random.fork_rng(devices=[]):
        for loop in loops.values():  # what is allocated once is no part of a step
            _rate(loop, 0.0)
        for _ in range(ROUNDS):
            for name, loop in loops.items():
                best[name] = max(best[name], _rate(loop, seconds / ROUNDS))
    return best


def _rate(loop: StageLoop, seconds: float) -> float:
    """Steps per second of CPU time, over at least four steps: penalties come at every fourth."""
    begin, start = time.process_time(), loop.step
    while True:
        for _ in range(4):
            loop.advance()
        if (spent := time.process_time() - begin) >= seconds:
            return (loop.step - start) / max(spent, 1e-9)
