"""The plugins that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from genzoo.cli.doctor import Finding
from genzoo.cli.plugins import conflicts
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.distributions import installations
from genzoo.plugins.guard import removal_hint
from genzoo_core.plugin import Plugin


def look_at_plugins(no_plugins: bool, check: bool) -> Iterator[Finding]:
    """Plugins that are broken or left out, and names that several have; `check` imports all."""
    catalogue = Catalogue.open(no_plugins=no_plugins)
    sound = [plugin for plugin in catalogue.plugins if plugin.status == "ok"]
    others = [str(plugin) for plugin in sound if not plugin.builtin]
    text = f"{len(sound) - len(others)} of genzoo's own; {', '.join(others) or 'no others'}"
    yield Finding("plugins", text)
    hidden = [str(plugin) for plugin in catalogue.plugins if plugin.status == "disabled"]
    if hidden:
        advice = "GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins ask for that"
        yield Finding("plugins", f"left out: {', '.join(hidden)}", "note", advice)
    for plugin in catalogue.broken:
        yield _broken(plugin, plugin.error)
    for line in conflicts(catalogue):
        yield Finding("names", line, "note", "say distribution/name")
    for name in sorted({plugin.distribution for plugin in catalogue.plugins}):
        yield from _leftovers(name)
    if check:
        yield from _check(sound)


def _leftovers(name: str) -> Iterator[Finding]:
    """What lies on the path of a distribution beside the installation that counts."""
    found = [each.folder for each in installations(name)]
    for other in found[1:]:
        counting = found[0]
        text = f"{name} is there twice: {counting} counts, {other} does not"
        beside = other.parent == counting.parent
        yield Finding("plugins", text, "note", f"`rm -r {quote(str(other))}`" if beside else "")


def _check(plugins: list[Plugin]) -> Iterator[Finding]:
    from genzoo.models.verify import verify_plugin

    faults = [_broken(p, problem) for p in plugins for problem in verify_plugin(p).problems]
    yield from faults or [Finding("plugins", "all that they name can be imported")]


def _broken(plugin: Plugin, error: str) -> Finding:
    advice = "install genzoo anew" if plugin.builtin else removal_hint(plugin) or ""
    return Finding("plugins", f"{plugin} is broken: {error}", "problem", advice)
