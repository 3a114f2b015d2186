"""A plugin's manifest and recipes against its code and its files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError
from genzoo_core.interfaces import INTERFACES
from genzoo_core.manifest import ComponentEntry
from genzoo_core.plugin import Plugin
from genzoo_core.recipe import Recipe
from genzoo_core.testing.case import Case
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.strictness import strict_struct
from genzoo_core.training import Trainable
from genzoo_core.zoo import Zoo


def case_of(zoo: Zoo, recipe: Recipe) -> Case:
    return Case(
        zoo,
        recipe.model.kind,
        recipe.model.component,
        config=recipe.model.config,
        conditioners={name: c.spec() for name, c in recipe.model.conditioners.items()},
        parts=recipe.model.parts,
        shape=recipe.data.shape,
    )


def stages(zoo: Zoo, recipe: Recipe) -> Iterator[str]:
    """What is wrong with the stages and phases of a recipe: they must be those of the module."""
    built = case_of(zoo, recipe).build()
    module = getattr(built, "module", built)
    if not isinstance(module, Trainable):
        found = f"a {type(module).__name__}"
        yield problem(f"{recipe.model.component} to be a Trainable", found, "implement it")
        return
    own = module.stages()
    if [stage.name for stage in recipe.stages] != [stage.name for stage in own]:
        mend = "give one [[stages]] for each, in this order"
        names = ", ".join(stage.name for stage in own)
        found = ", ".join(stage.name for stage in recipe.stages) or "none"
        yield problem(f"the stages {names}", found, mend)
        return
    for settings, stage in zip(recipe.stages, own, strict=True):
        phases = [phase.name for phase in stage.phases]
        for name in settings.phases:
            if name not in phases:
                expected = f"settings of the phases {', '.join(phases)} of stage {stage.name}"
                yield problem(expected, f"those of {name!r}", "rename it in the recipe")


MEND_CARD = "paste the card.toml that training wrote"


def check_installed(record: Recorder, zoo: Zoo, plugin: Plugin) -> None:
    """Run all checks of a plugin: its manifest, its imports, its components, its cards."""
    where = f"{plugin.name}: "
    if not record.check(f"{where}its manifest is sound", sound, plugin):
        return
    manifest = plugin.manifest
    assert manifest is not None
    importable: list[bool] = []

    def verified() -> Iterator[str]:
        verification = zoo.verify(plugin)
        importable.append(verification.importable)
        yield from (*verification.problems, *verification.remarks)

    imports = "all that its manifest names can be imported, without torch or output"
    record.check(where + imports, verified)
    if importable != [True]:
        record.skip(f"{where}its components are what the manifest says", "it cannot be imported")
        return
    brought = (manifest.components, manifest.commands, manifest.formats, manifest.models)
    if not any((*brought, manifest.recipes, manifest.hooks)):
        record.skip(f"{where}it brings something", "genzoo.toml lists nothing yet")
    for entry in manifest.components:
        claim = f"{where}{entry.kind} {entry.name} is what the manifest says"
        record.check(claim, component, entry)
    for card in manifest.models:
        claim = f"{where}the card of {card.name} is complete, and agrees with its file"
        record.check(claim, check_card, zoo, plugin, card)
        if card.recipe:
            claim = f"{where}the recipe of {card.name} fits its card"
            record.check(claim, check_recipe_of, zoo, plugin, card)


def sound(plugin: Plugin) -> Iterator[str]:
    if plugin.manifest is None:
        yield plugin.error or "it cannot be read"


def component(entry: ComponentEntry) -> Iterator[str]:
    cls, interface = load(entry.target), INTERFACES[entry.kind]
    if not (isinstance(cls, type) and issubclass(cls, interface)):
        name = interface.__name__
        yield problem(f"{entry.target} to be a {name}", repr(cls), f"extend {name}")
        return
    yield from strict_struct(cls, "Config")
    attribute = "Options" if entry.kind == "model" else "Config"
    own: Any = getattr(cls, attribute)
    if entry.options is not None:
        if load(entry.options) is not own:
            found = f"{entry.options}, while the class has {own.__module__}:{own.__name__}"
            yield problem(f"`options` to be the class's {attribute}", found, "name that one")
    elif entry.kind == "model" and msgspec.structs.fields(own):
        mend = f'add `options = "{own.__module__}:{own.__name__}"`, in a module without torch'
        yield problem("`options` in the manifest, for `genzoo info`", "none", mend)


def load(target: str) -> Any:
    """Import what "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def check_card(zoo: Zoo, plugin: Plugin, card: ModelCard) -> Iterator[str]:
    for field, mend in (
        ("summary", "say in one line what it makes"),
        ("license", "give the SPDX identifier of the weights' licence"),
        ("credits", "say whom the data and the recipe are owed to"),
    ):
        if not getattr(card, field):
            yield problem(f"`{field}` in the card", "none", mend)
    if not card.weights or "://" in card.weights or plugin.folder is None:
        return
    if not card.sha256:
        yield problem("`sha256` in the card", "none", MEND_CARD)
    try:
        file = zoo.card(str(plugin.folder / card.weights))
    except GenzooError as error:
        yield str(error)
        return
    fields = ("kind", "family", "dataset", "shape", "conditioners", "license")
    for field in (*fields, "sha256", "size", "parameters"):
        says, holds = getattr(card, field), getattr(file, field)
        if field == "license" and not holds:
            continue  # it was chosen after the training
        if says != holds and (says or field not in ("sha256", "license", "dataset")):
            yield problem(f"`{field}` = {holds!r} as in its file", repr(says), MEND_CARD)


def check_recipe_of(zoo: Zoo, plugin: Plugin, card: ModelCard) -> Iterator[str]:
    recipe = zoo.recipe(f"{plugin.distribution}/{card.name}")
    pairs = {
        "name": (recipe.name, card.name),
        "family": (recipe.card.family, card.family),
        "kind": (recipe.model.kind, card.kind),
        "dataset": (recipe.data.name, card.dataset),
        "shape": (recipe.data.shape, card.shape),
        "conditioners": (tuple(recipe.model.conditioners), card.conditioners),
    }
    for field, (trains, says) in pairs.items():
        if trains != says:
            mend = "change the one that is wrong"
            yield problem(f"{field} {says!r}, as its card says", repr(trains), mend)
    yield from stages(zoo, recipe)
