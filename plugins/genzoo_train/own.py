"""From a folder of pictures to a recipe: `genzoo train FAMILY --data DIR`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec.structs import replace

from genzoo_core.atomic import becoming, write_atomically
from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError, GenzooError, UsageError
from genzoo_core.images import grid, to_pil, to_uint8
from genzoo_core.manifest import Name
from genzoo_core.recipe import Recipe, ReportRecipe, folder_name
from genzoo_core.request import Request
from genzoo_core.templates import Goal
from genzoo_core.zoo import Zoo
from genzoo_data.api import Survey, find_data, many, propose, survey
from genzoo_train.batches import times
from genzoo_train.fitting import LEAST_LEFT, Fitted, fit_recipe
from genzoo_train.folder import RECIPE
from genzoo_train.overrides import override

SHOWN = 16
"""Pictures on each side of the last grid."""

FEWEST = 16
"""Of fewer pictures nothing can be learnt."""

GRIDS, LEAST_APART = 10, 100
"""Sample grids in the course of a training, and steps between two at least."""

UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_time(text: str) -> float:
    """`45m`, `90s` or `1.5h` in seconds.

    Raises:
        UsageError: It is none of these, or no time at all.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smh])", text.strip().lower())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not seconds:
        raise UsageError(f"{text!r} is no time", "write 90s, 45m or 1.5h")
    return seconds


@dataclass(frozen=True)
class Wish:
    """What somebody wants of his own pictures.

    Attributes:
        family: Name of a recipe template.
        folder: Where the pictures lie.
        name: Name of the model; of the family and the folder where None.
        size: Pixels of the longer side; see `genzoo_data.api.propose`.
        columns: What the data call the columns that recipes call otherwise.
        seconds: How long the training may take.
        steps: Steps of all stages, in place of the time.
        device: Where it is trained.
    """

    family: str
    folder: Path
    name: str | None
    size: int | None
    columns: Mapping[str, str]
    seconds: float
    steps: int | None
    device: str

    @property
    def model(self) -> str:
        """Name of the model.

        Raises:
            UsageError: It is none.
        """
        folder = folder_name(self.folder.resolve().name)
        return _checked(self.name or f"{self.family.rpartition('/')[2]}-{folder}")


def own_recipe(
    zoo: Zoo,
    wish: Wish,
    out: Path,
    settings: Sequence[str],
    *,
    resume: bool,
    note: Callable[[str], None],
) -> tuple[Recipe, Dataset]:
    """The recipe of a training on somebody's own pictures, written to `out`, and its data.

    Args:
        zoo: The registry.
        wish: What is wanted.
        out: The training's folder.
        settings: Fields of the recipe that are changed; see `override`.
        resume: Take the recipe that is there, where there is one.
        note: Called with what a user reads: the plan, in some ten lines.

    Raises:
        DataError: The pictures cannot be read, or are too few.
        UsageError: There is no such family.
    """
    path = out / RECIPE
    if resume and path.exists():
        recipe = override(zoo.recipe(str(path)), settings)
        return recipe, zoo.dataset(recipe.data, wish.folder)
    recipe, dataset = _made(zoo, wish, settings, note)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, msgspec.toml.encode(_fields(recipe)))
    note(f"wrote {path}, which can be changed and trained by itself")
    return recipe, dataset


def _made(
    zoo: Zoo, wish: Wish, settings: Sequence[str], note: Callable[[str], None]
) -> tuple[Recipe, Dataset]:
    template, folder, start = zoo.template(wish.family), wish.folder, time.monotonic()
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
    dataset = zoo.dataset(goal.data, folder)
    kind = wish.device.partition(":")[0]
    goal = replace(goal, name=wish.model, pictures=len(dataset.images), device=kind)
    recipes = [override(recipe, settings) for recipe in template(goal)]
    left = max(wish.seconds - (time.monotonic() - start), LEAST_LEFT * wish.seconds)
    fitted = fit_recipe(
        zoo, recipes, dataset, seconds=left, steps=wish.steps, device=wish.device, note=note
    )
    steps = sum(stage.steps or 0 for stage in fitted.recipe.stages)
    every = max(LEAST_APART, steps // GRIDS)
    report = ReportRecipe(min(50, every), every, min(1000, every), samples=SHOWN)
    # What was set has the last word, also over steps and reports.
    recipe = override(replace(fitted.recipe, report=report), settings)
    for line in _plan(found, goal, fitted._replace(recipe=recipe)):
        note(line)
    return recipe, dataset


def finish(zoo: Zoo, path: Path, dataset: Dataset, note: Callable[[str], None]) -> None:
    """Show what came out beside real pictures, put it into the user's list, and say what is next.

    Args:
        zoo: The registry.
        path: The model's file.
        dataset: The training set.
        note: Called with what a user reads.
    """
    name, shown = path.stem, path.with_name("pictures.png")
    made = to_uint8(zoo.generate(Request(str(path), n=SHOWN, seed=0)).images)
    step = max(1, len(dataset.images) // SHOWN)
    sides = [grid(made, 4), grid(dataset.images[::step][:SHOWN], 4)]
    with becoming(shown) as temporary:
        to_pil(grid(torch.stack(sides), 2, gap=8)).save(temporary, "PNG")
    note(f"wrote {shown}: {SHOWN} pictures of its own, and {SHOWN} that it was trained on")
    try:
        name = zoo.add(str(path)).name
        note(f"{name} is in your list now")
    except GenzooError as error:  # the name is taken, or the list cannot be written
        name = str(path)
        note(f"it is not put into your list: {error.message}")
    for command in (f"run {name} -n 16", f"info {name}", f"serve {name}"):
        note(f"  genzoo {command}")


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


def _checked(name: str) -> str:
    try:
        return msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{name!r} is no name of a model: small letters, digits, '.', '_', '-'"
        ) from error


def _plan(found: Survey, goal: Goal, fitted: Fitted) -> list[str]:
    """The plan, a line for each of its parts."""
    recipe, data = fitted.recipe, goal.data
    aside = f"; {data.aside:.0%} are set aside" if data.aside else ""
    conditions = {
        "label": f"{len(found.labels)} classes",
        "text": f"{found.captions.distinct if found.captions else 0:,} captions",
    }
    conditioned = " and ".join(conditions.get(n, n) for n in goal.conditioners) or "nothing"
    stages = ", ".join(
        f"{stage.name} {stage.steps:,} × {stage.batch_size}" for stage in recipe.stages
    )
    seen = sum((stage.steps or 0) * stage.batch_size for stage in recipe.stages[:1])
    lines = [
        f"model       {recipe.name}: {recipe.model.component}, {fitted.parameters:,} parameters",
        f"pictures    {goal.pictures:,} to train on{aside}",
        f"shape       {times(data.shape)}, {data.fit}",
        f"conditions  {conditioned}",
        f"steps       {stages}",
        f"passes      {seen / goal.pictures:.0f} over the pictures",
        f"device      {goal.device}, {fitted.threads} threads",
        f"time        about {timedelta(seconds=round(fitted.seconds))}",
    ]
    if fitted.share < 1:
        lines.append(
            f"careful     it needs {1 / fitted.share:.1f} times as long to learn this well; "
            "give it more --time or --steps, or a smaller --size"
        )
    lines += [f"careful     {problem}" for problem in found.problems]
    return lines
