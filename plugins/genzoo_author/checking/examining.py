"""Running the conformance kit on a plugin, a model or a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import msgspec

from genzoo_author.checking.subjects import Subject
from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError
from genzoo_core.interfaces import MODULE_KINDS
from genzoo_core.manifest import ComponentEntry, Kind
from genzoo_core.plugin import Plugin
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.testing import (
    Finding,
    Report,
    examine_component,
    examine_model,
    examine_plugin,
    examine_recipe,
)
from genzoo_core.testing.plugins import load
from genzoo_core.zoo import Zoo


def examine(zoo: Zoo, subject: Subject) -> Iterator[Report]:
    """The reports on a subject, one after the other."""
    if subject.kind == "model":
        yield examine_model(zoo, subject.name)
    elif subject.kind == "recipe":
        yield examine_recipe(zoo, subject.name)
    else:
        yield from _plugins(zoo, subject)


def _plugins(zoo: Zoo, subject: Subject) -> Iterator[Report]:
    report = examine_plugin(zoo, subject.name)
    yield report
    if any(finding.status == "skipped" for finding in report.findings):
        return  # it cannot be imported
    # Recipes of other plugins of its distribution use its components as well.
    siblings = zoo.plugins(subject.plugins[0].distribution)
    recipes = read_recipes(zoo, siblings)
    own = [path for plugin in subject.plugins for path in recipe_files(plugin)]
    unreadable = [path for path in own if path not in recipes]
    for path in (*unreadable, *(path for path in distinct(recipes) if path in own)):
        yield examine_recipe(zoo, str(path))
    for plugin in subject.plugins:
        if plugin.manifest is None:
            continue
        for entry in plugin.manifest.components:
            trained = (
                Use(recipe.model.kind, recipe.model.component) for recipe in recipes.values()
            )
            if any(use.is_of(plugin, entry) for use in trained):
                continue
            name = f"{plugin.distribution}/{entry.name}"
            uses = uses_of(plugin, entry, recipes)
            obstacle = None if uses else why_not_by_default(zoo, plugin, entry)
            if obstacle is not None:
                yield _skipped(f"{entry.kind} {name}", "it conforms to its interface", obstacle)
                continue
            for use in uses or [Use(entry.kind, name)]:
                yield examine_component(zoo, entry.kind, name, use.config, parts=use.parts)
        for card in plugin.manifest.models:
            yield _model(zoo, plugin, card)


def _model(zoo: Zoo, plugin: Plugin, card: ModelCard) -> Report:
    name = f"{plugin.distribution}/{card.name}"
    if not card.weights:
        return _skipped(f"model {name}", "its weights are sound", "it has none")
    if "://" in card.weights:
        reason = f"they are not in the package; `genzoo check {name}` fetches and checks them"
        return _skipped(f"model {name}", "its weights are sound", reason)
    return examine_model(zoo, name)


def _skipped(subject: str, claim: str, reason: str) -> Report:
    return Report(subject, (Finding(claim, "skipped", (reason,)),))


@dataclass(frozen=True)
class Use:
    """A component as a recipe uses it, under the name there.

    Attributes:
        kind: Its kind; None where the recipe does not say.
        parts: The recipe's parts, of which it may use some.
    """

    kind: str | None
    component: str
    config: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, PartSpec] = field(default_factory=dict)

    def is_of(self, plugin: Plugin, entry: ComponentEntry) -> bool:
        """Whether it is this component of a plugin."""
        names = (entry.name, f"{plugin.distribution}/{entry.name}")
        return self.component in names and self.kind in (None, entry.kind)


def recipe_files(plugin: Plugin) -> tuple[Path, ...]:
    """The recipes in a plugin's package: those of its cards, and all in a folder `recipes`."""
    if plugin.folder is None or plugin.manifest is None:
        return ()
    named = [plugin.folder / card.recipe for card in plugin.manifest.models if card.recipe]
    beside = sorted((plugin.folder / "recipes").glob("*.toml"))
    return tuple(path for path in dict.fromkeys((*named, *beside)) if path.is_file())


def read_recipes(zoo: Zoo, plugins: tuple[Plugin, ...]) -> dict[Path, Recipe]:
    """The recipes of some plugins that can be read."""
    found = {}
    for path in (path for plugin in plugins for path in recipe_files(plugin)):
        try:
            found[path] = zoo.recipe(str(path))
        except GenzooError:
            continue  # a check of its own finds that
    return found


def distinct(recipes: Mapping[Path, Recipe]) -> list[Path]:
    """The recipes without those that train the same as an earlier one."""
    first: dict[str, Path] = {}
    for path, recipe in recipes.items():
        first.setdefault(json.dumps(msgspec.to_builtins(recipe.model), sort_keys=True), path)
    return list(first.values())


def uses(recipe: Recipe) -> Iterator[Use]:
    """The components that a recipe names beside what it trains: conditioners, noisers, …"""
    parts = recipe.model.parts
    for conditioner in recipe.model.conditioners.values():
        yield Use("conditioner", conditioner.component, conditioner.config, parts)
    yield from _nested(recipe.model.config, None, parts)


def _nested(value: object, key: str | None, parts: Mapping[str, PartSpec]) -> Iterator[Use]:
    """Components named in a config; `noiser = { component = … }` says the kind as well."""
    if isinstance(value, dict):
        name, config = value.get("component"), value.get("config", {})
        if isinstance(name, str) and isinstance(config, dict):
            yield Use(key if key in get_args(Kind) else None, name, config, parts)
        for inner_key, inner in value.items():
            yield from _nested(inner, inner_key, parts)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _nested(inner, key, parts)


def uses_of(plugin: Plugin, entry: ComponentEntry, recipes: Mapping[Path, Recipe]) -> list[Use]:
    """How recipes use a component that is no model: each config once."""
    found: dict[str, Use] = {}
    for use in (use for recipe in recipes.values() for use in uses(recipe)):
        if use.is_of(plugin, entry):
            found.setdefault(json.dumps(use.config, sort_keys=True), use)
    return list(found.values())


def why_not_by_default(zoo: Zoo, plugin: Plugin, entry: ComponentEntry) -> str | None:
    """Why a component cannot be built with the defaults of its `Config`; None where it can."""
    name = f"{plugin.distribution}/{entry.name}"
    call = f'check_component(zoo, "{entry.kind}", "{name}", {{…}}) in a test'
    try:
        msgspec.convert({}, load(entry.target).Config)
    except msgspec.ValidationError as error:
        return f"its Config has no defaults ({error}), and no recipe uses it; call {call}"
    except (Exception, SystemExit):
        return None  # a check of the kit says what is wrong
    try:
        if entry.kind in MODULE_KINDS:
            zoo.build(ModelSpec(name, kind=entry.kind))
        else:
            zoo.component(entry.kind, name, {})
    except GenzooError as error:
        return (
            f"the defaults of its Config cannot be built ({error}), and no recipe uses it; "
            f"call {call}"
        )
    return None
