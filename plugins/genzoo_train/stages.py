"""The stages of a training: the model's, matched with the recipe's settings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from genzoo_core.errors import ConfigError, TrainingError, did_you_mean
from genzoo_core.recipe import PhaseRecipe, Recipe, StageRecipe
from genzoo_core.training import Stage, Trainable
from genzoo_core.zoo import Opened
from genzoo_train.building import own_parameters

MOST_REPEATED = 128
"""A batch of up to so many images may be larger than the data, which it then repeats."""


@dataclass(frozen=True)
class Plan:
    """A stage of the model, the recipe's settings for it, and how many steps it takes."""

    stage: Stage
    recipe: StageRecipe
    steps: int

    def settings(self, phase: str) -> PhaseRecipe:
        """The optimiser's settings of a phase; the defaults where the recipe is silent."""
        return self.recipe.phases.get(phase, PhaseRecipe())


def plan_stages(built: Opened, recipe: Recipe, images: int) -> tuple[Plan, ...]:
    """The stages of a training in their order; `images`, their number, turns epochs into steps.

    Raises:
        ConfigError: The recipe's stages or phases are not the model's.
        TrainingError: The module cannot be trained, or its phases are not sound.
    """
    module = built.module
    if not isinstance(module, Trainable):
        raise TrainingError(f"{built.spec.component} is not a Trainable: it has no stages")
    stages = module.stages()
    names = [stage.name for stage in stages]
    named = [stage.name for stage in recipe.stages]
    if unknown := next((name for name in named if name not in names), None):
        raise ConfigError(
            f"{recipe.name}: no stage {unknown!r}; the model has {', '.join(names)}",
            did_you_mean(unknown, names),
        )
    if named != names:
        raise ConfigError(
            f"{recipe.name}: the recipe has the stages {', '.join(named) or 'none'}, "
            f"the model has {', '.join(names)}, in this order",
            "give one [[stages]] for each",
        )
    owned = {id(parameter) for parameter in own_parameters(built).values()}
    plans = []
    for index, (stage, settings) in enumerate(zip(stages, recipe.stages, strict=True)):
        _check_phases(stage, settings, recipe.name, owned)
        if settings.batch_size > max(images, MOST_REPEATED):
            raise ConfigError(
                f"{recipe.name}: stage {stage.name!r} takes {settings.batch_size} images in a "
                f"step, and the data have {images}",
                f"try --set stages.{index}.batch_size={images}",
            )
        steps = settings.steps
        if steps is None:
            assert settings.epochs is not None  # a stage has either
            steps = max(math.ceil(settings.epochs * images / settings.batch_size), 1)
        plans.append(Plan(stage, settings, steps))
    return tuple(plans)


def _check_phases(stage: Stage, recipe: StageRecipe, name: str, owned: set[int]) -> None:
    phases = [phase.name for phase in stage.phases]
    if unknown := next((phase for phase in recipe.phases if phase not in phases), None):
        raise ConfigError(
            f"{name}: stage {stage.name!r} has no phase {unknown!r}; it has {', '.join(phases)}",
            did_you_mean(unknown, phases),
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
