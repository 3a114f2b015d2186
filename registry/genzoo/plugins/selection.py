"""Which plugins the user wants: `--no-plugins`, `GENZOO_PLUGINS` and `GENZOO_DISABLE`."""

from __future__ import annotations

import os

from genzoo.plugins.names import normalise
from genzoo_core.config import Config
from genzoo_core.plugin import Plugin


class Selection(Config):
    """Which plugins count; decided before anything of a plugin is read.

    Attributes:
        no_plugins: Keep only what the genzoo distribution brings itself.
        only: Distributions or entry points to keep beside those, or None for all.
        without: Distributions or entry points to leave out, genzoo's own included.
    """

    no_plugins: bool = False
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, *, no_plugins: bool = False) -> Selection:
        """The selection that `GENZOO_PLUGINS` and `GENZOO_DISABLE` make."""
        only = os.environ.get("GENZOO_PLUGINS")
        without = _split(os.environ.get("GENZOO_DISABLE", ""))
        return cls(no_plugins, None if only is None else _split(only), without)

    def admits(self, plugin: Plugin) -> bool:
        """Whether `plugin` counts."""
        if _among(plugin, self.without):
            return False
        if plugin.builtin:
            return True
        return not self.no_plugins and (self.only is None or _among(plugin, self.only))


def _among(plugin: Plugin, names: tuple[str, ...]) -> bool:
    return any(name == plugin.name or normalise(name) == plugin.distribution for name in names)


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
