"""Looking up models, components and commands by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.folders import models_file
from genzoo.plugins.cache import open_plugins
from genzoo.plugins.names import NamedT, Owned, choices, full_name, matches, normalise, shared
from genzoo.text import brief, listed, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, GenzooError, PluginError, UsageError, did_you_mean
from genzoo_core.manifest import ComponentEntry, FormatEntry, RecipeEntry
from genzoo_core.plugin import Model, Plugin

if TYPE_CHECKING:
    from genzoo.plugins.added import AddedModel
    from genzoo.plugins.hooks import Hooks
    from genzoo_core.zoo import Zoo


class Catalogue:
    """All that the installed plugins offer, looked up without importing them.

    Attributes:
        plugins: Every plugin, sound, broken or disabled; what follows is of sound ones.
        models: Their models, and those of the user's own list, in alphabetical order.
        problem: Why the user's own list is left out; None where it is not.
        make_zoo: Makes the registry over it, which hooks get; whoever calls hooks sets it.
    """

    make_zoo: Callable[[Catalogue], Zoo]

    def __init__(
        self,
        plugins: tuple[Plugin, ...],
        added: Sequence[AddedModel] = (),
        problem: GenzooError | None = None,
    ) -> None:
        self.plugins = plugins
        self.broken = tuple(plugin for plugin in plugins if plugin.status == "broken")
        self.problem = problem
        self.models = tuple(Model(each.card, variant=each.variant) for each in added)
        sound = [(plugin, plugin.manifest) for plugin in plugins if plugin.manifest]
        self._add(Model(card, p) for p, manifest in sound for card in manifest.models)
        self.components = tuple(Owned(entry, p) for p, m in sound for entry in m.components)
        self.commands = tuple(Owned(entry, p) for p, m in sound for entry in m.commands)
        self.formats = tuple(Owned(entry, p) for p, m in sound for entry in m.formats)
        self.recipes = tuple(Owned(entry, p) for p, m in sound for entry in m.recipes)
        self._hooks: Hooks | None = None
        self._has_dynamic = False

    @classmethod
    def open(cls, *, no_plugins: bool = False) -> Catalogue:
        """The catalogue of what is there; with `no_plugins` of what genzoo itself brings."""
        plugins = open_plugins(no_plugins=no_plugins)
        file = models_file()
        if no_plugins or file is None or not os.path.lexists(file):
            return cls(plugins)
        from genzoo.plugins.added import read_added

        try:
            return cls(plugins, read_added())
        except ConfigError as error:
            return cls(plugins, problem=error)

    def _add(self, models: Iterable[Model]) -> None:
        every = [*self.models, *models]
        self.models = tuple(sorted(every, key=lambda model: (model.bare, model.distribution)))
        self._several = shared(model.bare for model in self.models)

    def add(self, model: AddedModel) -> None:
        """Take in a model that has come into the user's own list, in the place of one so named."""
        name = model.card.name
        self.models = tuple(each for each in self.models if not (each.added and each.name == name))
        self._add([Model(model.card, variant=model.variant)])

    def short_name(self, model: Model) -> str:
        """The bare name of a model where it is unique, else `distribution/name`."""
        return model.name if model.bare in self._several else model.bare

    def find_plugins(self, name: str) -> tuple[Plugin, ...]:
        """The plugins of a distribution, or those of that name."""
        found = [p for p in self.plugins if p.distribution == normalise(name)]
        found = found or [p for p in self.plugins if p.name == name]
        if not found:
            names = sorted({each for p in self.plugins for each in (p.name, p.distribution)})
            hint = did_you_mean(name, names) or "`genzoo plugins` shows what is installed"
            raise UsageError(f"no plugin {quoted(name)} is installed", hint)
        return tuple(found)

    def add_dynamic(self) -> None:
        """Add the models that plugins know only at run time, once.

        Imports the plugins whose manifests list `genzoo_models`, and no other.
        """
        if self._has_dynamic or not self.has_hook("genzoo_models"):
            return
        self._has_dynamic = True
        found: list[Model] = []
        for plugin, cards in self.hooks.results("genzoo_models", self.zoo, {}):
            names: set[str] = set()
            for card in cards if isinstance(cards, Iterable) else [cards]:
                try:
                    found.append(Model(_checked(card, names), plugin, dynamic=True))
                except ConfigError as error:
                    self.hooks.warn_once(f"plugin {plugin}: genzoo_models {error}")
        self._add(found)

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
        if not found:
            self._refuse_broken_owner("model", name)
            hint = did_you_mean(name, choices(self.models)) or "`genzoo list` shows those there are"
            if name.count("/") == 1 and name.isprintable() and not hint.endswith("?"):
                hint += f"; of the Hugging Face Hub: hf://{name[:200]}"
            raise UsageError(f"no model {quoted(name)}", str(self.problem or hint))
        if len(found) > 1 and (own := [model for model in found if model.added]):
            others = listed([model.name for model in found if not model.added], " and ")
            hint = f"write {others}; or `genzoo rm {own[0].name}` takes it out of your list"
            text = f"model name {quoted(name)} is ambiguous: it is in your own list, and {others}"
            raise UsageError(text, hint)
        return _only(found, f"model name {quoted(name)}", UsageError)

    def find_component(self, kind: str, name: str) -> Owned[ComponentEntry]:
        of_kind = [component for component in self.components if component.entry.kind == kind]
        found = matches(name, of_kind)
        if not found:
            self._refuse_broken_owner(kind, name)
            raise ConfigError(f"unknown {kind} {quoted(name)}", self._where_from(name, of_kind))
        return _only(found, f"{kind} name {quoted(name)}", ConfigError)

    def find_format(self, name: str) -> Owned[FormatEntry]:
        found = matches(name, self.formats)
        if not found:
            raise UsageError(f"no format {quoted(name)}")
        return _only(found, f"format name {quoted(name)}", UsageError)

    def find_recipe(self, name: str) -> Owned[RecipeEntry]:
        """A recipe template by `distribution/name`, or by its bare name while it is unique."""
        found = matches(name, self.recipes)
        if not found:
            near = did_you_mean(name, choices(self.recipes))
            there = f"there are {listed([each.bare for each in self.recipes])}"
            raise UsageError(f"no recipe template {quoted(name)}", near or there)
        return _only(found, f"recipe template name {quoted(name)}", UsageError)

    @cached_property
    def zoo(self) -> Zoo:
        """The registry over it: the first that was made."""
        return self.make_zoo(self)

    @property
    def hooks(self) -> Hooks:
        if self._hooks is None:
            from genzoo.plugins.hooks import Hooks

            self._hooks = Hooks([plugin for plugin in self.plugins if plugin.status == "ok"])
        return self._hooks

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        """What a hook's implementations return; imports nothing where no manifest lists it."""
        if not self.has_hook(name):
            return []
        return [result for _, result in self.hooks.results(name, self.zoo, arguments)]

    def has_hook(self, hook: str) -> bool:
        return any(hook in plugin.hooks for plugin in self.plugins)

    def _refuse_broken_owner(self, kind: str, name: str) -> None:
        distribution, _, bare = name.rpartition("/")
        wanted = normalise(distribution)
        for plugin in self.broken:
            if plugin.distribution == wanted if distribution else bare in plugin.lost:
                text = f"{kind} {quoted(name)} belongs to plugin {plugin}, which is broken"
                raise PluginError(f"{text}: {plugin.error}", "see `genzoo plugins`")

    def _where_from(self, name: str, among: Sequence[Owned[ComponentEntry]]) -> str:
        distribution, _, bare = name.rpartition("/")
        hint = "`genzoo plugins` shows what is installed"
        if distribution and normalise(distribution) not in {p.distribution for p in self.plugins}:
            # Names no command that installs it: a stranger may have registered what his file names.
            hint = f"no plugin {quoted(distribution)} is installed: ask its author where to get it"
            # Another plugin's component can be meant only where it has the same name.
            among = [each for each in among if each.bare == bare]
        near = did_you_mean(name, choices(among))
        return f"{near}; {hint}" if near else hint


def _only(found: Sequence[NamedT], what: str, error: type[GenzooError]) -> NamedT:
    """The one that was found; of several, `error` says how to name one."""
    if len(found) == 1:
        return found[0]
    names = [full_name(named) for named in found]
    if len(set(names)) == len(names):
        raise error(f"{what} is ambiguous: {listed(names, ' and ')}", "use the full name")
    owners = listed([str(named.plugin) for named in found], " and ")
    raise error(f"{what} is ambiguous: {owners} have it", "leave one out with GENZOO_DISABLE")


def _checked(card: object, names: set[str]) -> ModelCard:
    """A card that a `genzoo_models` hook gave, whose name is then among `names`."""
    from genzoo.plugins.manifests import check_listed

    if not isinstance(card, ModelCard):
        raise ConfigError(f"gave {type(card).__name__}, not a ModelCard")
    try:  # a struct that code makes is not checked
        card = msgspec.convert(msgspec.to_builtins(card), ModelCard)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"gave a malformed card: {brief(error)}") from error
    check_listed(card, names)
    return card
