"""What `genzoo check` knows of a component from the recipes that use it."""

from __future__ import annotations

import genzoo
from genzoo_author.checking.configs import read_recipes, uses_of


def test_a_component_is_checked_with_the_parts_that_recipes_give_it() -> None:
    zoo = genzoo.open_zoo()
    (plugin,) = zoo.plugins("text-embeddings")
    assert plugin.manifest is not None
    (entry,) = [entry for entry in plugin.manifest.components if entry.name == "text"]
    uses = uses_of(plugin, entry, read_recipes(zoo, zoo.plugins("genzoo")))
    assert uses
    assert all(use.parts["text"].model == "genzoo/text-minilm" for use in uses)
    # Each config once: recipes of several families give the same.
    configs = [use.config for use in uses]
    assert all(configs.count(config) == 1 for config in configs)
