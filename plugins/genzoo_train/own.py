"""From a folder of pictures to a recipe: `genzoo train FAMILY --data DIR`."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from genzoo_core.atomic import write_atomically
from genzoo_core.dataset import Dataset
from genzoo_core.encoder import Codec
from genzoo_core.errors import DataError, UsageError
from genzoo_core.recipe import DataRecipe, Recipe, ReportRecipe, ValidationRecipe, as_recipe
from genzoo_core.specs import PartSpec
from genzoo_core.table import wrapped
from genzoo_core.templates import Goal
from genzoo_core.text import many
from genzoo_core.zoo import Opened, Zoo
from genzoo_data.api import Survey, find_data, propose, survey
from genzoo_train.finishing import SHOWN, add_to_list
from genzoo_train.fitting import LEAST_LEFT, fit_recipe
from genzoo_train.folder import RECIPE, check_free
from genzoo_train.overrides import override
from genzoo_train.plan_text import FEWEST_ASIDE, plan_text
from genzoo_train.ranks import ALONE, Ranks
from genzoo_train.starting import start_goal, start_recipe
from genzoo_train.validation import LOOKS, check_patience
from genzoo_train.wish import Wish, enough_time

FEWEST = 16
"""Of fewer pictures nothing can be learnt."""

LEAST_STEPS = 100
"""A time in which a training has fewer steps is refused."""

GRIDS, LEAST_APART = 10, 100
"""Sample grids in the course of a training, and steps between two at least."""

PART = 0.35
"""Share of the time that a part, such as a codec, gets."""


def train_own(
    zoo: Zoo,
    wish: Wish,
    out: Path,
    settings: Sequence[str],
    *,
    resume: bool,
    max_steps: int | None,
    note: Callable[[str], None],
    train: Callable[[Recipe, Dataset, Path], Path],
    ranks: Ranks = ALONE,
) -> tuple[Path, Dataset]:
    """Train a model of somebody's own pictures, and before it the parts that it needs.

    Each part is put into the user's list, and has a folder beside `out`. The recipes are written
    into the folders. Of a part that `max_steps` cuts short no model is begun.

    Args:
        zoo: The registry.
        wish: What is wanted.
        out: The training's folder.
        settings: Fields of the model's recipe that are changed; see `override`.
        resume: Go on with what is there.
        max_steps: Steps after which `train` stops a training; None for none.
        note: Called with what a user reads: the plans, in some ten lines each.
        train: Trains a recipe on data, in a folder, and returns the model's file.
        ranks: Those that train together: the first one plans, and writes the plan.

    Returns:
        The model's file, or that of the part that was cut short, and the data that it was trained
        on.

    Raises:
        DataError: The pictures cannot be read, or are too few.
        UsageError: There is no such family.
    """
    wish = wish.to_train
    # What a model begins from has its parts.
    parts = {} if wish.start else zoo.template_parts(wish.family)
    path = out / RECIPE
    ranks.alone(partial(check_free, out, resume=resume, other="--name"))
    if ranks.told(lambda: resume and path.exists()):
        note(f"going on with the plan in {path}, made by the first command")
        recipe = _sent(lambda: override(zoo.recipe(str(path)), settings), ranks)
        dataset = zoo.dataset(recipe.data, wish.folder)
        return train(recipe, dataset, out), dataset
    if not resume:
        ranks.alone(partial(_say_taken, zoo, wish.model, out, note))
    if not parts:
        ranks.alone(partial(_check_early_stop, zoo, wish, settings))
    looked = _look(zoo, wish, note)
    shared = [setting for setting in settings if setting.startswith(("seed=", "validation."))]
    specs: dict[str, PartSpec] = {}
    latent_shape: tuple[int, ...] = ()
    for role, family in parts.items():
        folder = out.with_name(f"{out.name}-{role}")
        ranks.alone(partial(check_free, folder, resume=resume))
        made = folder / RECIPE
        if resume and ranks.told(made.exists):
            plan = partial(zoo.recipe, str(made))
        else:
            name = _free(zoo, f"{wish.model}-{role}")
            note(f"first {name}, which {wish.model} needs, in {PART:.0%} of the time")
            part = dataclasses.replace(wish.share(PART), family=family, name=name)
            plan = partial(_fitted, zoo, part, looked, looked.goal, folder, shared, note, ranks)
        recipe = _sent(plan, ranks)
        file = train(recipe, looked.dataset, folder)
        if max_steps is not None and max_steps < sum(stage.steps or 0 for stage in recipe.stages):
            note(f"{wish.model} is begun when its {role} is trained; go on with --resume")
            return file, looked.dataset
        specs[role] = PartSpec(ranks.told(partial(add_to_list, zoo, file)))
        if not ranks.first:
            add_to_list(zoo, file)
        module = zoo.open(specs[role].model).module
        if isinstance(module, Codec):
            latent_shape = module.latent_shape
    goal = replace(looked.goal, parts={**looked.goal.parts, **specs})
    if parts:
        goal = replace(goal, latent_shape=latent_shape)
    rest = wish.share(1 - PART * len(parts))
    plan = partial(_fitted, zoo, rest, looked, goal, out, settings, note, ranks)
    recipe = _sent(plan, ranks)
    dataset = looked.dataset
    if recipe.data != goal.data:  # by settings
        dataset = zoo.dataset(recipe.data, wish.folder)
    return train(recipe, dataset, out), dataset


def _say_taken(zoo: Zoo, name: str, out: Path, note: Callable[[str], None]) -> None:
    """Say before anything is learnt that a name is another model's."""
    try:
        card = zoo.card(name)
    except UsageError:  # there is none
        return
    if Path(card.weights).parent != out.absolute():
        note(
            f"{name} is a model already, so that this one will not be in your list; --name "
            "gives it another name"
        )


def _check_early_stop(zoo: Zoo, wish: Wish, settings: Sequence[str]) -> None:
    """Refuse a family that cannot end early, before its pictures are looked at.

    Whatever a family's recipes are for, they have the same losses.
    """
    if any(setting.startswith("validation.") for setting in settings):
        goal = Goal(wish.model, DataRecipe(wish.model, (3, 64, 64)), FEWEST)
        check_patience(zoo, override(zoo.template(wish.family)(goal)[-1], settings))


class _Looked(NamedTuple):
    """Somebody's pictures.

    Attributes:
        survey: What is in the folder.
        goal: What a model of them learns.
        dataset: Those to train on.
        seconds: How long looking at them took.
        start: What the model begins from.
    """

    survey: Survey
    goal: Goal
    dataset: Dataset
    seconds: float
    start: Opened | None


def _look(zoo: Zoo, wish: Wish, note: Callable[[str], None]) -> _Looked:
    folder, begin = wish.folder, time.monotonic()
    start = zoo.open(wish.start) if wish.start else None
    data = find_data(zoo, folder, columns=dict(wish.columns))
    note(f"looking at the pictures of {folder}")
    found = survey(zoo, data, folder, note)
    if found.faults:
        raise DataError(found.problems[0], f"mend it or take it away; `genzoo data {folder}`")
    if found.pictures < FEWEST:
        raise DataError(
            f"{folder} holds {many(found.pictures, 'picture')}; nothing can be learnt from so few",
            f"bring at least {FEWEST}, better some thousands",
        )
    goal = propose(found, data, wish.size)
    if start:
        goal = start_goal(goal, start, resized=wish.size is not None)
    dataset = zoo.dataset(goal.data, folder)
    kind = wish.device.partition(":")[0]
    goal = replace(goal, pictures=len(dataset.images), device=kind)
    return _Looked(found, goal, dataset, time.monotonic() - begin, start)


def _fitted(
    zoo: Zoo,
    wish: Wish,
    looked: _Looked,
    goal: Goal,
    out: Path,
    settings: Sequence[str],
    note: Callable[[str], None],
    ranks: Ranks,
) -> Recipe:
    """The recipe that fits into the time, written to `out`: for the first rank to find."""
    goal = replace(goal, name=wish.model)
    recipes = zoo.template(wish.family)(goal)
    if looked.start:  # which decides the network
        recipes = [start_recipe(zoo, recipes[0], looked.start, looked.dataset, settings, note)]
    recipes = [override(recipe, settings) for recipe in recipes]
    left = max(wish.seconds - looked.seconds, LEAST_LEFT * wish.seconds)
    fitted = fit_recipe(
        zoo,
        recipes,
        looked.dataset,
        seconds=left,
        steps=wish.steps,
        device=wish.device,
        note=note,
        ranks=ranks.count,
    )
    steps = sum(stage.steps or 0 for stage in fitted.recipe.stages)
    if wish.steps is None and fitted.share < 1 and steps < LEAST_STEPS:
        least = (fitted.seconds_of(LEAST_STEPS) + looked.seconds) / wish.part
        raise UsageError(
            f"the time is too short: {many(steps, 'step')} of {wish.family} fit into it here, and "
            f"fewer than {LEAST_STEPS} teach nothing",
            f"give at least --time {enough_time(least)}; --steps {steps} trains so few all the "
            "same",
        )
    every = max(LEAST_APART, steps // GRIDS)
    report = ReportRecipe(min(50, every), every, min(1000, every), samples=SHOWN)
    # What was set has the last word, also over steps and reports.
    looks = ValidationRecipe(looks=LOOKS if _enough_aside(zoo, goal.data, wish.folder) else 0)
    recipe = override(replace(fitted.recipe, report=report, validation=looks), settings)
    for name, text in plan_text(looked.survey, goal, fitted._replace(recipe=recipe)):
        for line in wrapped(text, f"{name:<12}", file=sys.stderr):
            note(line)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / RECIPE, msgspec.toml.encode(_fields(recipe)))
    note(f"wrote {out / RECIPE}, which can be changed and trained by itself")
    return recipe


def _sent(find: Callable[[], Recipe], ranks: Ranks) -> Recipe:
    """The recipe that the first rank finds, on all of them."""
    if ranks.count == 1:
        return find()
    return as_recipe(ranks.told(lambda: msgspec.to_builtins(find())))


def _free(zoo: Zoo, name: str) -> str:
    """The name, or with a number where there is such a model already."""
    for number in count(1):
        free = name if number == 1 else f"{name}-{number}"
        try:
            zoo.card(free)
        except UsageError:
            return free
    raise AssertionError


def _fields(value: object) -> Any:
    """Plain data without what has its default, or is None, for which TOML has no word."""
    if isinstance(value, msgspec.Struct):
        return {
            field.encode_name: _fields(inner)
            for field in msgspec.structs.fields(value)
            if (inner := getattr(value, field.name)) not in (field.default, {})
        }
    if isinstance(value, dict):
        return {key: _fields(inner) for key, inner in value.items() if inner is not None}
    return [_fields(inner) for inner in value] if isinstance(value, list | tuple) else value


def _enough_aside(zoo: Zoo, data: DataRecipe, folder: Path) -> bool:
    """Whether enough pictures are not learnt from for a look at them to mean something."""
    try:
        rows = zoo.rows(replace(data, split="test"), folder)
        return sum(1 for _ in islice(rows, FEWEST_ASIDE)) == FEWEST_ASIDE
    except DataError:  # there are none
        return False
