"""Running the conformance kit on a plugin, a model or a recipe."""

from __future__ import annotations

from collections.abc import Iterator

from genzoo_author.checking.configs import (
    Use,
    distinct,
    read_recipes,
    recipe_files,
    trains,
    uses_of,
    why_not_by_default,
)
from genzoo_author.checking.subjects import Subject
from genzoo_core.cards import ModelCard
from genzoo_core.plugin import Plugin
from genzoo_core.testing import (
    Finding,
    Report,
    examine_component,
    examine_model,
    examine_plugin,
    examine_recipe,
)
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
            if any(trains(recipe, plugin, entry) for recipe in recipes.values()):
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
