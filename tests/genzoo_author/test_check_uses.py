"""What `genzoo check` knows of a component from the recipes that use it."""

from __future__ import annotations

import genzoo
from genzoo_author.checking.examining import read_recipes, uses_of
from genzoo_core.manifest import ComponentEntry
from genzoo_core.plugin import Plugin


def entry_of(plugin: Plugin, kind: str, name: str) -> ComponentEntry:
    assert plugin.manifest is not None
    (entry,) = [e for e in plugin.manifest.components if (e.kind, e.name) == (kind, name)]
    return entry


def test_components_of_one_name_and_two_kinds_are_told_apart() -> None:
    zoo = genzoo.open_zoo()
    (plugin,) = zoo.plugins("diffusion")
    recipes = read_recipes(zoo, (plugin,))
    noisers = uses_of(plugin, entry_of(plugin, "noiser", "ddpm"), recipes)
    assert any("schedule" in use.config for use in noisers)
    assert not uses_of(plugin, entry_of(plugin, "sampler", "ddpm"), recipes)


def test_a_component_is_checked_with_the_parts_that_recipes_give_it() -> None:
    zoo = genzoo.open_zoo()
    (plugin,) = zoo.plugins("text-embeddings")
    uses = uses_of(
        plugin, entry_of(plugin, "conditioner", "text"), read_recipes(zoo, zoo.plugins("genzoo"))
    )
    assert uses
    assert all(use.parts["text"].model == "genzoo/text-minilm" for use in uses)
    # Each config once: recipes of several families give the same.
    configs = [use.config for use in uses]
    assert all(configs.count(config) == 1 for config in configs)
