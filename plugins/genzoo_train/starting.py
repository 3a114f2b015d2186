"""Beginning from the weights of another model: `genzoo train … --start REF`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from genzoo_core.cards import ModelCard
from genzoo_core.dataset import Dataset
from genzoo_core.errors import ConfigError, UsageError
from genzoo_core.formats import Rebuildable
from genzoo_core.model import GenerativeModel
from genzoo_core.recipe import CardRecipe, ConditionerRecipe, PhaseRecipe, Recipe, StageRecipe
from genzoo_core.specs import ComponentSpec, PartSpec
from genzoo_core.templates import Goal
from genzoo_core.training import Stage, Trainable
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import times
from genzoo_train.building import model_spec
from genzoo_train.overrides import override

LISTED = 4
"""Fresh parts that a message names."""

LARGE_LR = 1e-4
"""Learning rate of networks of others, at most."""

CONDITION = re.compile(r"conditioning\.(?:conditioners|vectors|tokens|spatial)\.([^.]+)\.")
"""Begins the names of the tensors of a conditioner and of its projections."""


def reference_of(start: Opened) -> str:
    """What a recipe calls the model that a training begins from, wherever it is run from."""
    assert start.model is not None  # it was opened, not built
    reference = start.model.reference
    return os.path.abspath(reference) if os.path.exists(reference) else reference


def name_of(start: Opened) -> str:
    """What a card calls the model that a training begins from: no path of its owner."""
    assert start.model is not None  # it was opened, not built
    name, card = start.model.name, start.model.card
    return name if start.model.plugin or "://" in name else card.name


def card_of(start: Opened) -> ModelCard:
    """The card of the model that a training begins from."""
    assert start.model is not None  # it was opened, not built
    return start.model.card


def changed_recipe(zoo: Zoo, recipe: Recipe, settings: Sequence[str], start: str | None) -> Recipe:
    """A recipe with fields changed.

    Args:
        zoo: The registry.
        recipe: The recipe.
        settings: See `override`.
        start: What its model begins from in place of what the recipe says; None for that.

    Raises:
        GenzooError: There is no such field or model.
    """
    recipe = override(recipe, settings)
    if start is None:
        return recipe
    return replace(recipe, model=replace(recipe.model, start=reference_of(zoo.open(start))))


def start_goal(goal: Goal, start: Opened, *, resized: bool) -> Goal:
    """A goal with the shape of the model that it begins from.

    Args:
        goal: What the data would be learnt as.
        start: The model.
        resized: Whether the user chose the size of the goal's pictures, which then stays.

    Raises:
        UsageError: It makes no pictures, or those of another size alone.
    """
    module, data = start.module, goal.data
    if not isinstance(module, GenerativeModel):
        raise UsageError(
            f"{start.name} is a {start.spec.kind} and makes no pictures",
            "begin from a model, or name a recipe of that component",
        )
    shape, codec = module.sample_shape, module.codec
    if codec is None or not any(codec in part.modules() for part in start.parts.values()):
        # Grey pictures fit into colours, but not the other way round.
        channels = max(shape[0], data.shape[0])
        shape = (channels, *(data.shape if resized else shape)[1:])
    elif resized:
        raise UsageError(
            f"{start.name} shares a codec for pictures of {times(shape)}", "leave --size out"
        )
    latent = codec.latent_shape if codec else ()
    return replace(goal, data=replace(data, shape=shape), latent_shape=latent)


def start_recipe(
    zoo: Zoo,
    recipe: Recipe,
    start: Opened,
    dataset: Dataset,
    settings: Sequence[str],
    note: Callable[[str], None],
) -> Recipe:
    """A template's recipe for the network of the model that it begins from.

    The start says what is built, and the data which classes and captions there are; how it is
    trained is the template's.

    Args:
        zoo: The registry.
        recipe: The template's.
        start: The model.
        dataset: The training set.
        settings: Fields of the recipe that are changed; see `override`.
        note: Called with what of the data is not learnt.

    Raises:
        UsageError: The start is of another family.
        ConfigError: It cannot be built for these pictures.
    """
    family = card_of(start).family
    if family != recipe.card.family:
        raise UsageError(
            f"{start.name} is of the family {family}, and this trains a {recipe.card.family}",
            "begin from a model of that family",
        )
    spec = start.spec
    if start.format:  # of others
        if not isinstance(start.module, Rebuildable):
            raise UsageError(
                f"{start.name} is run, but not trained: {card_of(start).summary}",
                "its format says which folders are",
            )
        spec = start.module.spec
        # What is frozen stays bit for bit, and large networks are changed little by little.
        recipe = replace(recipe, weights_dtype="float32", stages=tuple(map(_slower, recipe.stages)))
    config = {**spec.config, "shape": list(recipe.data.shape)}
    wanted = {
        name: _conditioner(part, spec.conditioners.get(name))
        for name, part in recipe.model.conditioners.items()
    }
    model = replace(
        recipe.model, component=spec.component, config=config, start=reference_of(start)
    )
    fault: ConfigError | None = None
    # All that the data have; what the start knows; nothing.
    for names in dict.fromkeys(
        (tuple(wanted), tuple(n for n in wanted if n in spec.conditioners), ())
    ):
        conditioners = {name: wanted[name] for name in names}
        absent = spec.conditioners.keys() - conditioners.keys()
        parts = {role: p for role, p in recipe.model.parts.items() if role in names}
        parts |= {r: PartSpec(p.model, p.sha256) for r, p in spec.parts.items() if r not in absent}
        found = replace(recipe, model=replace(model, conditioners=conditioners, parts=parts))
        try:
            changed = override(found, settings)
            module = zoo.build(model_spec(changed, dataset), training=True).module
        except ConfigError as error:
            fault = fault or error
            continue
        if left := [name for name in wanted if name not in names]:
            note(f"{start.name} takes no condition {' and no '.join(left)}: it is not learnt")
        stages = module.stages() if isinstance(module, Trainable) else ()
        return replace(
            found,
            # Not what the template makes: a flow may begin from a DDPM, and is one then.
            card=replace(recipe.card, summary=f"{name_of(start)}, trained on {recipe.data.name}."),
            stages=tuple(_stage(stage, recipe.stages) for stage in stages),
        )
    assert fault is not None
    raise fault


def _slower(stage: StageRecipe) -> StageRecipe:
    """A stage at the learning rate of diffusers' own training scripts."""
    phases = {name: replace(p, lr=min(p.lr, LARGE_LR)) for name, p in stage.phases.items()}
    return replace(stage, phases=phases)


def _conditioner(part: ConditionerRecipe, own: ComponentSpec | None) -> ConditionerRecipe:
    """The conditioner for the data, with the sizes of the start's; its lists are the data's."""
    if own is None or own.component != part.component:
        return part
    config = dict(part.config)
    for key, value in own.config.items():
        if not isinstance(value, list | tuple):
            config[key] = value
        elif key in config and sorted(map(str, config[key])) == sorted(map(str, value)):
            config[key] = list(value)  # the same classes, in the order of the embeddings
    return replace(part, config=config)


def _stage(stage: Stage, templates: Sequence[StageRecipe]) -> StageRecipe:
    """How a stage of the start is trained: as the template's of that name, or as its last."""
    found = next((each for each in templates if each.name == stage.name), templates[-1])
    (*_, other) = found.phases.values() or [PhaseRecipe()]
    phases = {phase.name: found.phases.get(phase.name, other) for phase in stage.phases}
    return replace(found, name=stage.name, phases=phases)


def begun(start: Opened, built: Opened, fresh: Sequence[str]) -> str:
    """What was taken from the start, and what was not: one line.

    Args:
        start: The model.
        built: The one that was begun from it.
        fresh: Names of the tensors of `built` that stay fresh.
    """
    own = built.own_tensors()
    total = sum(tensor.numel() for tensor in own.values())
    new = sum(own[name].numel() for name in fresh)
    share = int(100 * (1 - new / max(total, 1)))  # 100 for all alone
    line = (
        f"beginning from the weights of {start.name}: took {len(own) - len(fresh)} of {len(own)} "
        f"tensors, {share}% of the parameters"
    )
    made = _made_new(start, built, fresh)
    more = f" and {len(made) - LISTED} more" if len(made) > LISTED else ""
    return f"{line}; made new: {', '.join(made[:LISTED])}{more}" if made else line


def _made_new(start: Opened, built: Opened, fresh: Sequence[str]) -> list[str]:
    own, there = built.own_tensors(), start.own_tensors()
    found: dict[str, None] = {}
    for name in fresh:
        condition = CONDITION.match(name)
        if condition:
            found[_condition(condition[1], start, built)] = None
        elif name in there:
            found[f"{name} ({times(own[name].shape)}, not {times(there[name].shape)})"] = None
        else:
            found[name.partition(".")[0]] = None
    return list(found)


def _condition(name: str, start: Opened, built: Opened) -> str:
    now, before = (_classes(opened, name) for opened in (built, start))
    if not now:
        return f"the condition {name}"
    were = f", not {before}" if before not in (None, now) else ""
    return f"the condition {name} ({now} classes{were})"


def _classes(opened: Opened, name: str) -> int | None:
    conditioners: Mapping[str, Any] = getattr(opened.module, "conditioners", {})
    return conditioners[name].categories if name in conditioners else None


def card_with(card: CardRecipe, start: Opened) -> CardRecipe:
    """A card that says what its model was begun from, under that one's licence if it has none."""
    origin = f"Begun from {name_of(start)}, sha256 {start.sha256}."
    before = card_of(start)
    return replace(
        card,
        license=card.license or before.license,
        credits=tuple(dict.fromkeys((*card.credits, *before.credits)))[:100],
        notes=" ".join(filter(None, (card.notes, origin))),
    )
