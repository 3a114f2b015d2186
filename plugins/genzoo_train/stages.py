"""The stages of a training: what the model says of them matched with what the recipe says."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from genzoo_core.errors import ConfigError, TrainingError, did_you_mean
from genzoo_core.recipe import PhaseRecipe, Recipe, StageRecipe
from genzoo_core.training import Stage, Trainable
from genzoo_core.zoo import Opened

MOST_REPEATED = 128
"""A batch of up to so many images may be larger than the data, which it then repeats."""


@dataclass(frozen=True)
class Plan:
    """A stage with its settings.

    Attributes:
        stage: The model's stage.
        recipe: The recipe's settings for it.
        steps: How many steps it takes.
    """

    stage: Stage
    recipe: StageRecipe
    steps: int

    def settings(self, phase: str) -> PhaseRecipe:
        """The optimiser's settings of a phase; the defaults where the recipe is silent."""
        return self.recipe.phases.get(phase, PhaseRecipe())


def plan_stages(built: Opened, recipe: Recipe, images: int) -> tuple[Plan, ...]:
    """The stages of a training in their order.

    Args:
        built: The module to train.
        recipe: Its recipe.
        images: Size of the training set, which turns epochs into steps.

    Raises:
        ConfigError: The recipe's stages or phases are not the model's.
        TrainingError: The module cannot be trained, or its phases are not sound.
    """
    module = built.module
    if not isinstance(module, Trainable):
        raise TrainingError(f"{built.spec.component} is not a Trainable: it has no stages")
    stages = module.stages()
    names = [stage.name for stage in stages]
    for given in recipe.stages:
        if given.name not in names:
            raise ConfigError(
                f"{recipe.name}: no stage {given.name!r}; the model has {', '.join(names)}",
                did_you_mean(given.name, names),
            )
    if [given.name for given in recipe.stages] != names:
        raise ConfigError(
            f"{recipe.name}: the recipe has the stages "
            f"{', '.join(given.name for given in recipe.stages) or 'none'}, "
            f"the model has {', '.join(names)}, in this order",
            "give one [[stages]] for each",
        )
    owned = _owned(built)
    for index, (stage, given) in enumerate(zip(stages, recipe.stages, strict=True)):
        _check_phases(stage, given, recipe.name, owned)
        if given.batch_size > max(images, MOST_REPEATED):
            raise ConfigError(
                f"{recipe.name}: stage {stage.name!r} takes {given.batch_size} images in a step, "
                f"and the data have {images}",
                f"try --set stages.{index}.batch_size={images}",
            )
    return tuple(
        Plan(stage, given, _steps(given, images))
        for stage, given in zip(stages, recipe.stages, strict=True)
    )


def _steps(recipe: StageRecipe, images: int) -> int:
    if recipe.steps is not None:
        return recipe.steps
    assert recipe.epochs is not None  # a stage has either
    return max(math.ceil(recipe.epochs * images / recipe.batch_size), 1)


def _owned(built: Opened) -> set[int]:
    shared = {id(p) for part in built.parts.values() for p in part.parameters()}
    return {id(p) for p in built.module.parameters()} - shared


def _check_phases(stage: Stage, recipe: StageRecipe, name: str, owned: set[int]) -> None:
    phases = [phase.name for phase in stage.phases]
    for given in recipe.phases:
        if given not in phases:
            raise ConfigError(
                f"{name}: stage {stage.name!r} has no phase {given!r}; it has {', '.join(phases)}",
                did_you_mean(given, phases),
            )
    seen: dict[int, str] = {}
    for phase in stage.phases:
        where = f"phase {phase.name!r} of stage {stage.name!r}"
        if not phase.parameters:
            raise TrainingError(f"{where} trains nothing")
        for parameter in phase.parameters:
            if id(parameter) not in owned:
                raise TrainingError(f"{where} trains a tensor that is not the model's own")
            if id(parameter) in seen:
                raise TrainingError(
                    f"{where} trains what phase {seen[id(parameter)]!r} trains; "
                    "the phases of a stage must be disjoint"
                )
            seen[id(parameter)] = phase.name


def parameters_of(stage: Stage) -> list[nn.Parameter]:
    """All that a stage trains."""
    return [parameter for phase in stage.phases for parameter in phase.parameters]
