"""Models that plugins know only at run time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from genzoo.installed.hooks import Hooks
from genzoo.installed.manifests import REFERENCE, check_identity
from genzoo.installed.records import PluginRecord
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, PluginError


def dynamic_models(hooks: Hooks) -> list[tuple[PluginRecord, ModelCard]]:
    """What the `genzoo_models` hooks give, with the plugin that each card is from.

    What is no well-formed card is a warning, and left out.
    """
    found: list[tuple[PluginRecord, ModelCard]] = []
    for plugin, cards in hooks.results("genzoo_models", {}):
        names: set[str] = set()
        for card in cards if isinstance(cards, Iterable) else [cards]:
            try:
                found.append((plugin, _checked(card, names)))
            except ConfigError as error:
                hooks.record(plugin, PluginError(f"plugin {plugin}: genzoo_models {error}"))
    return found


def _checked(card: Any, names: set[str]) -> ModelCard:
    """`card`, whose name is then among `names`.

    Raises:
        ConfigError: It is no well-formed card, or one of this name was there.
    """
    if not isinstance(card, ModelCard):
        raise ConfigError(f"gave {type(card).__name__}, not a ModelCard")
    check_identity(card)
    if card.name in names:
        raise ConfigError(f"gave two models named {card.name}")
    names.add(card.name)
    if card.weights and not (os.path.isabs(card.weights) or REFERENCE.match(card.weights)):
        raise ConfigError(f"model {card.name}: weights {card.weights!r} is no absolute path")
    return card
