"""A recipe against what it trains."""

from __future__ import annotations

from collections.abc import Iterator

from genzoo_core.recipe import Recipe
from genzoo_core.testing.case import Case
from genzoo_core.testing.report import problem
from genzoo_core.training import Trainable
from genzoo_core.zoo import Zoo


def case_of(zoo: Zoo, recipe: Recipe) -> Case:
    """What a recipe trains."""
    return Case(
        zoo,
        recipe.model.kind,
        recipe.model.component,
        config=recipe.model.config,
        conditioners={name: given.spec() for name, given in recipe.model.conditioners.items()},
        parts=recipe.model.parts,
        shape=recipe.data.shape,
    )


def stages(zoo: Zoo, recipe: Recipe) -> Iterator[str]:
    """The stages and phases of a recipe are those of what it trains."""
    built = case_of(zoo, recipe).build(training=True)
    if not isinstance(built.module, Trainable):
        found = f"a {type(built.module).__name__}"
        yield problem(f"{recipe.model.component} to be a Trainable", found, "implement it")
        return
    known = built.module.stages()
    if [stage.name for stage in recipe.stages] != [stage.name for stage in known]:
        mend = "give one [[stages]] for each, in this order"
        names = ", ".join(stage.name for stage in known)
        found = ", ".join(stage.name for stage in recipe.stages) or "none"
        yield problem(f"the stages {names}", found, mend)
        return
    for given, stage in zip(recipe.stages, known, strict=True):
        phases = [phase.name for phase in stage.phases]
        for name in given.phases:
            if name not in phases:
                expected = f"settings of the phases {', '.join(phases)} of stage {stage.name}"
                yield problem(expected, f"those of {name!r}", "rename it in the recipe")
