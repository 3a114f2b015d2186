"""Which plugins the user wants: `--no-plugins`, `GENZOO_PLUGINS` and `GENZOO_DISABLE`."""

from __future__ import annotations

import os

from genzoo.plugins.names import normalise
from genzoo_core.plugin import Plugin


def admits(plugin: Plugin, *, no_plugins: bool) -> bool:
    """Whether `plugin` counts; decided before anything of it is read.

    genzoo's own always do, unless they are disabled.
    """
    only = named_in("GENZOO_PLUGINS")
    if _among(plugin, named_in("GENZOO_DISABLE") or ()):
        return False
    return plugin.builtin or (not no_plugins and (only is None or _among(plugin, only)))


def named_in(variable: str) -> tuple[str, ...] | None:
    """Distributions and entry points that a variable of the environment names; None if unset."""
    names = os.environ.get(variable)
    return None if names is None else tuple(n.strip() for n in names.split(",") if n.strip())


def _among(plugin: Plugin, names: tuple[str, ...]) -> bool:
    return any(name == plugin.name or normalise(name) == plugin.distribution for name in names)
