"""Looking up models, components and commands by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genzoo.installed.index import Index
from genzoo.installed.names import choices, matches, normalise
from genzoo.installed.records import (
    CommandRow,
    ComponentRow,
    ModelEntry,
    ModelFacts,
    ModelRow,
    PluginRecord,
)
from genzoo.text import SHOWN, quoted
from genzoo_core.errors import ConfigError, PluginError, UsageError, did_you_mean

if TYPE_CHECKING:
    from genzoo.installed.hooks import Hooks
    from genzoo_core.manifest import ComponentEntry

__all__ = ["Catalogue", "ModelEntry", "PluginRecord"]


class Catalogue:
    """All that the installed plugins offer, looked up without importing them.

    Args:
        index: What was found.

    Attributes:
        plugins: Every plugin, sound, broken or disabled.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._hooks: Hooks | None = None
        self._asked = False
        self.plugins = index.plugins

    @classmethod
    def open(cls, *, no_plugins: bool = False) -> Catalogue:
        """The catalogue of what is installed.

        Args:
            no_plugins: Leave out all but what the genzoo distribution brings itself.
                `GENZOO_PLUGINS` and `GENZOO_DISABLE` hold as well.

        Raises:
            UsageError: One of these variables names a plugin that is not installed.
        """
        from genzoo.installed.cache import open_index

        return cls(open_index(no_plugins=no_plugins))

    @property
    def broken(self) -> tuple[PluginRecord, ...]:
        """The plugins that cannot be used."""
        return tuple(plugin for plugin in self.plugins if plugin.status == "broken")

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """What each model is found by, in alphabetical order."""
        return self._index.models

    def rows_with(self, text: str) -> tuple[ModelRow, ...]:
        """The rows that hold `text` in a name, an alias or elsewhere; others are not read."""
        return self._index.models_with(text)

    def facts(self, rows: Sequence[ModelRow]) -> list[ModelFacts]:
        """What a listing shows of these models beside their rows."""
        return self._index.facts(rows)

    def select(
        self,
        pattern: str | None = None,
        *,
        family: str | None = None,
        conditioner: str | None = None,
        kind: str | None = None,
    ) -> list[ModelRow]:
        """The rows of models that match all that is given; see `genzoo.installed.filtering`.

        Raises:
            UsageError: A family, conditioner or kind that no model has.
        """
        from genzoo.installed.filtering import literal, select

        rows = None
        if isinstance(pattern, str) and (family, conditioner, kind) == (None, None, None):
            rows = self.rows_with(literal(pattern))
        return select(
            self.rows if rows is None else rows,
            pattern,
            family=family,
            conditioner=conditioner,
            kind=kind,
        )

    @property
    def components(self) -> tuple[ComponentRow, ...]:
        """The components of all sound plugins."""
        return self._index.components

    def ask_for_models(self) -> None:
        """Add the models that plugins know only at run time, once.

        Imports the plugins whose manifests list `genzoo_models`, and no other. A lookup does so
        where the manifests know no such name.
        """
        if self._asked or not self._listed("genzoo_models"):
            return
        from genzoo.installed.dynamic import dynamic_models

        self._asked = True
        self._index = self._index.with_dynamic(dynamic_models(self.hooks))

    def models(self) -> tuple[ModelEntry, ...]:
        """All models of sound plugins with their cards, in alphabetical order."""
        return tuple(self._entry(row) for row in self.rows)

    def find_model(self, name: str) -> ModelEntry:
        """A model by `distribution/name`, by its bare name while it is unique, or by an alias.

        Raises:
            UsageError: No such model, or several; names the choices.
            PluginError: The plugin that would own it is broken.
        """
        return self._entry(self.find_row(name))

    def find_row(self, name: str) -> ModelRow:
        """The row of a model; as `find_model`, without its card."""
        if not isinstance(name, str):
            raise UsageError(f"{name!r} names no model", "give its name as text")
        found = self._matching(name)
        if not found:
            self.ask_for_models()
            found = self._matching(name)
        if len(found) > 1:
            raise UsageError(f"model name {quoted(name)} is ambiguous: {self._owners(found)}")
        if found:
            return found[0]
        self._refuse_broken_owner("model", name)
        hint = did_you_mean(name, choices(self.rows)) or "`genzoo list` shows those there are"
        raise UsageError(f"no model {quoted(name)}", hint)

    def find_component(self, kind: str, name: str) -> tuple[PluginRecord, ComponentEntry]:
        """A component by `distribution/name`, or by its bare name while it is unique.

        Imports nothing.

        Args:
            kind: "model", "codec", "conditioner", …
            name: As it stands in a recipe or in a model file.

        Raises:
            ConfigError: No such component, or several; names the choices.
            PluginError: The plugin that would own it is broken.
        """
        from genzoo_core.manifest import ComponentEntry

        rows = [row for row in self.components if row.kind == kind]
        found = matches(name, rows)
        if len(found) > 1:
            raise ConfigError(f"{kind} name {quoted(name)} is ambiguous: {self._owners(found)}")
        if not found:
            self._refuse_broken_owner(kind, name)
            raise ConfigError(f"unknown {kind} {quoted(name)}", self._where_from(name, rows))
        row = found[0]
        entry = ComponentEntry(
            kind=row.kind,  # type: ignore[arg-type]
            name=row.name,
            target=row.target,
            options=row.options,
            summary=row.summary,
        )
        return self.plugins[row.plugin], entry

    def commands(self) -> tuple[CommandRow, ...]:
        """The commands that sound plugins add; `plugins[row.plugin]` owns a row."""
        return self._index.commands

    def load_target(self, plugin: PluginRecord, target: str) -> Any:
        """Import what a manifest names, "module:attribute".

        What the module writes to stdout goes to stderr.

        Raises:
            PluginError: It cannot be imported, or lacks the attribute.
        """
        from genzoo.installed.guard import load_target

        return load_target(plugin, target)

    @property
    def hooks(self) -> Hooks:
        """The hooks of all sound plugins."""
        if self._hooks is None:
            from genzoo.installed.hooks import Hooks

            self._hooks = Hooks([plugin for plugin in self.plugins if plugin.status == "ok"])
        return self._hooks

    def call_hook(self, name: str, **arguments: Any) -> list[Any]:
        """Call a hook's implementations one by one; see `genzoo.installed.hooks.Hooks.call`.

        Nothing is imported where no manifest lists the hook.
        """
        return self.hooks.call(name, **arguments) if self._listed(name) else []

    def _listed(self, hook: str) -> bool:
        return any(hook in plugin.hooks for plugin in self.plugins)

    def _matching(self, name: str) -> list[ModelRow]:
        bare = name.rpartition("/")[2]
        return matches(name, self.rows_with(f'"{bare}"'))

    def _entry(self, row: ModelRow) -> ModelEntry:
        plugin = self.plugins[row.plugin]
        return ModelEntry(row.distribution, self._index.card(row), plugin, row.dynamic)

    def _owners(self, found: Sequence[ModelRow | ComponentRow]) -> str:
        names = [f"{row.distribution}/{row.name}" for row in found]
        if len(set(names)) == len(names):
            return f"{' and '.join(names)}; use the full name"
        owners = " and ".join(str(self.plugins[row.plugin]) for row in found)
        return f"{owners} both have it; leave one out with GENZOO_DISABLE"

    def _refuse_broken_owner(self, kind: str, name: str) -> None:
        distribution, _, bare = name.rpartition("/")
        owner = None
        if bare in self._index.lost:
            owner = self.plugins[self._index.lost[bare]]
        for plugin in self.broken:
            if distribution and plugin.distribution == normalise(distribution):
                owner = plugin
        if owner is not None and (
            not distribution or owner.distribution == normalise(distribution)
        ):
            raise PluginError(
                f"{kind} {name!r} belongs to plugin {owner}, which is broken: {owner.error}",
                "see `genzoo plugins`",
            )

    def _where_from(self, name: str, rows: Sequence[ComponentRow]) -> str:
        distribution = name.rpartition("/")[0]
        if distribution and normalise(distribution) not in {p.distribution for p in self.plugins}:
            # Another plugin's component can be meant only where it has the same name.
            same = [row for row in rows if row.name == name.rpartition("/")[2]]
            near = did_you_mean(name, choices(same))
            install = f"if you trust whoever made it: `genzoo install {distribution[:SHOWN]}`"
            missing = f"no plugin {distribution[:SHOWN]} is installed"
            return f"{near or missing}; {install}"
        near = did_you_mean(name, choices(rows))
        install = "`genzoo plugins` shows what is installed"
        return f"{near}; {install}" if near else install
