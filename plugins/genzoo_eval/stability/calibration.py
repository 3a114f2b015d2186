"""How many steps a variant makes in a second of one thread."""

from __future__ import annotations

import time
from collections.abc import Mapping

from torch import Tensor

from genzoo_core.recipe import Recipe
from genzoo_core.training import Progress
from genzoo_core.zoo import Zoo
from genzoo_eval.stability.stepping import Draws, Trainee

ROUNDS = 5


def steps_per_second(
    zoo: Zoo, recipes: Mapping[str, Recipe], images: Tensor, seconds: float
) -> dict[str, float]:
    """Training steps that each recipe makes in a second of CPU time.

    The recipes take turns, and the best of each one's rounds counts: what else the machine does
    only ever takes from it. Torch's number of threads is to be 1.

    Args:
        zoo: Builds the models.
        recipes: By name of the variant.
        images: Training images, uint8 `[N, C, H, W]`.
        seconds: CPU seconds to rehearse each of them for.
    """
    trainees = {name: Trainee.build(zoo, recipe, 0) for name, recipe in recipes.items()}
    draws = Draws(images, 0)
    best = dict.fromkeys(recipes, 0.0)
    for trainee in trainees.values():  # what is allocated once is no part of a step
        _rehearse(trainee, draws, 0.0)
    for _ in range(ROUNDS):
        for name, trainee in trainees.items():
            best[name] = max(best[name], _rehearse(trainee, draws, seconds / ROUNDS))
    return best


def _rehearse(trainee: Trainee, draws: Draws, seconds: float) -> float:
    """Steps per second of CPU time, over at least four steps: penalties come at every fourth."""
    begin, step = time.process_time(), 0
    while True:
        for _ in range(4):
            images = draws.batch(trainee.batch_size)
            for phase in trainee.phases:
                trainee.step(images, draws.generator, phase, Progress(step, 1000))
            step += 1
        if (spent := time.process_time() - begin) >= seconds:
            return step / max(spent, 1e-9)
