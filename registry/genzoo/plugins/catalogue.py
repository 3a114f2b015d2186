"""Looking up models, components and commands by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from genzoo.plugins.cache import open_plugins
from genzoo.plugins.names import Owned, choices, full_name, matches, normalise, shared
from genzoo.text import SHOWN, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, PluginError, UsageError, did_you_mean
from genzoo_core.manifest import CommandEntry, ComponentEntry
from genzoo_core.plugin import Model, Plugin

if TYPE_CHECKING:
    from genzoo.plugins.hooks import Hooks
    from genzoo.plugins.names import Named


class Catalogue:
    """All that the installed plugins offer, looked up without importing them.

    Args:
        plugins: Every plugin, sound, broken or disabled.

    Attributes:
        plugins: The same.
        models: All models of sound plugins, in alphabetical order.
        components: Their components.
        commands: The commands that they add.
    """

    def __init__(self, plugins: tuple[Plugin, ...]) -> None:
        self.plugins = plugins
        sound = [(plugin, plugin.manifest) for plugin in plugins if plugin.manifest]
        self.models = _in_order(Model(card, p) for p, manifest in sound for card in manifest.models)
        self.components: tuple[Owned[ComponentEntry], ...] = tuple(
            Owned(entry, p) for p, manifest in sound for entry in manifest.components
        )
        self.commands: tuple[Owned[CommandEntry], ...] = tuple(
            Owned(entry, p) for p, manifest in sound for entry in manifest.commands
        )
        self._several = shared(model.bare for model in self.models)
        self._hooks: Hooks | None = None
        self._asked = False

    @classmethod
    def open(cls, *, no_plugins: bool = False) -> Catalogue:
        """The catalogue of what is installed.

        Args:
            no_plugins: Leave out all but what the genzoo distribution brings itself.
                `GENZOO_PLUGINS` and `GENZOO_DISABLE` hold as well.

        Raises:
            UsageError: One of these variables names a plugin that is not installed.
        """
        return cls(open_plugins(no_plugins=no_plugins))

    @property
    def broken(self) -> tuple[Plugin, ...]:
        """The plugins that cannot be used."""
        return tuple(plugin for plugin in self.plugins if plugin.status == "broken")

    def shown(self, model: Model) -> str:
        """The bare name of a model where it is unique, else `distribution/name`."""
        return model.name if model.bare in self._several else model.bare

    def find_plugins(self, name: str) -> tuple[Plugin, ...]:
        """The plugins of a distribution, or those of that name.

        Raises:
            UsageError: No plugin is called that, nor its distribution.
        """
        found = [p for p in self.plugins if p.distribution == normalise(name)]
        found = found or [p for p in self.plugins if p.name == name]
        if not found:
            names = sorted({known for p in self.plugins for known in (p.name, p.distribution)})
            hint = did_you_mean(name, names) or "`genzoo plugins` shows what is installed"
            raise UsageError(f"no plugin {quoted(name)} is installed", hint)
        return tuple(found)

    def add_dynamic(self) -> None:
        """Add the models that plugins know only at run time, once.

        Imports the plugins whose manifests list `genzoo_models`, and no other. A lookup does so
        where the manifests know no such name.
        """
        if self._asked or not self._listed("genzoo_models"):
            return
        self._asked = True
        found: list[Model] = []
        for plugin, cards in self.hooks.results("genzoo_models", {}):
            names: set[str] = set()
            for card in cards if isinstance(cards, Iterable) else [cards]:
                try:
                    found.append(Model(_checked(card, names), plugin, dynamic=True))
                except ConfigError as error:
                    problem = PluginError(f"plugin {plugin}: genzoo_models {error}")
                    self.hooks.record(plugin, problem)
        self.models = _in_order([*self.models, *found])
        self._several = shared(model.bare for model in self.models)

    def find_model(self, name: str) -> Model:
        """A model by `distribution/name`, by its bare name while it is unique, or by an alias.

        Raises:
            UsageError: No such model, or several; names the choices.
            PluginError: The plugin that would own it is broken.
        """
        if not isinstance(name, str):
            raise UsageError(f"{name!r} names no model", "give its name as text")
        found = matches(name, self.models)
        if not found:
            self.add_dynamic()
            found = matches(name, self.models)
        if len(found) > 1:
            owners = _owners([(model, model.plugin) for model in found])
            raise UsageError(f"model name {quoted(name)} is ambiguous: {owners}")
        if found:
            return found[0]
        self._refuse_broken_owner("model", name)
        hint = did_you_mean(name, choices(self.models)) or "`genzoo list` shows those there are"
        raise UsageError(f"no model {quoted(name)}", hint)

    def find_component(self, kind: str, name: str) -> Owned[ComponentEntry]:
        """A component by `distribution/name`, or by its bare name while it is unique.

        Imports nothing.

        Args:
            kind: "model", "codec", "conditioner", …
            name: As it stands in a recipe or in a model file.

        Raises:
            ConfigError: No such component, or several; names the choices.
            PluginError: The plugin that would own it is broken.
        """
        of_kind = [component for component in self.components if component.entry.kind == kind]
        found = matches(name, of_kind)
        if len(found) > 1:
            owners = _owners([(each, each.plugin) for each in found])
            raise ConfigError(f"{kind} name {quoted(name)} is ambiguous: {owners}")
        if not found:
            self._refuse_broken_owner(kind, name)
            raise ConfigError(f"unknown {kind} {quoted(name)}", self._where_from(name, of_kind))
        return found[0]

    @property
    def hooks(self) -> Hooks:
        """The hooks of all sound plugins."""
        if self._hooks is None:
            from genzoo.plugins.hooks import Hooks

            self._hooks = Hooks([plugin for plugin in self.plugins if plugin.status == "ok"])
        return self._hooks

    def call_hook(self, name: str, **arguments: Any) -> list[Any]:
        """Call a hook's implementations one by one; see `genzoo.plugins.hooks.Hooks.call`.

        Nothing is imported where no manifest lists the hook.
        """
        return self.hooks.call(name, **arguments) if self._listed(name) else []

    def _listed(self, hook: str) -> bool:
        return any(hook in plugin.hooks for plugin in self.plugins)

    def _refuse_broken_owner(self, kind: str, name: str) -> None:
        distribution, _, bare = name.rpartition("/")
        wanted = normalise(distribution)
        for plugin in self.broken:
            if plugin.distribution == wanted if distribution else bare in plugin.lost:
                raise PluginError(
                    f"{kind} {name!r} belongs to plugin {plugin}, which is broken: {plugin.error}",
                    "see `genzoo plugins`",
                )

    def _where_from(self, name: str, among: Sequence[Owned[ComponentEntry]]) -> str:
        distribution, _, bare = name.rpartition("/")
        if distribution and normalise(distribution) not in {p.distribution for p in self.plugins}:
            # Another plugin's component can be meant only where it has the same name.
            near = did_you_mean(name, choices(each for each in among if each.bare == bare))
            install = f"if you trust whoever made it: `genzoo install {distribution[:SHOWN]}`"
            return f"{near or f'no plugin {distribution[:SHOWN]} is installed'}; {install}"
        near = did_you_mean(name, choices(among))
        install = "`genzoo plugins` shows what is installed"
        return f"{near}; {install}" if near else install


def _in_order(models: Iterable[Model]) -> tuple[Model, ...]:
    return tuple(sorted(models, key=lambda model: (model.card.name, model.distribution)))


def _owners(found: Sequence[tuple[Named, Plugin | None]]) -> str:
    names = [full_name(named) for named, _ in found]
    if len(set(names)) == len(names):
        return f"{' and '.join(names)}; use the full name"
    owners = " and ".join(str(plugin) for _, plugin in found)
    return f"{owners} both have it; leave one out with GENZOO_DISABLE"


def _checked(card: object, names: set[str]) -> ModelCard:
    """A card that a `genzoo_models` hook gave, whose name is then among `names`.

    Raises:
        ConfigError: It is no well-formed card, or one of this name was there.
    """
    from genzoo.plugins.manifests import REFERENCE, check_identity

    if not isinstance(card, ModelCard):
        raise ConfigError(f"gave {type(card).__name__}, not a ModelCard")
    check_identity(card)
    if card.name in names:
        raise ConfigError(f"gave two models named {card.name}")
    names.add(card.name)
    if card.weights and not (os.path.isabs(card.weights) or REFERENCE.match(card.weights)):
        raise ConfigError(f"model {card.name}: weights {card.weights!r} is no absolute path")
    return card
