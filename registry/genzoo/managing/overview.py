"""What there is to say of a plugin: its state, and what it provides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genzoo.catalogue import Catalogue
from genzoo.cli.group import BUILTIN
from genzoo.installed.names import shared
from genzoo.installed.records import PluginRecord

if TYPE_CHECKING:
    from genzoo.installed.checking import Report


def overview(
    catalogue: Catalogue, plugin: PluginRecord, report: Report | None = None
) -> dict[str, Any]:
    """A plugin as `genzoo plugins --json` shows it.

    Args:
        catalogue: What is installed.
        plugin: One of its plugins.
        report: What came of importing it, where that was tried.
    """
    errors = [plugin.error] if plugin.error else []
    errors += report.problems if report else ()
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "folder": plugin.location,
        "builtin": plugin.builtin,
        "summary": plugin.summary,
        "status": "broken" if errors else plugin.status,
        "errors": errors,
        "removal": None if plugin.builtin else plugin.removal,
        **_provides(catalogue, plugin),
        "seconds": report and report.seconds,
    }


def _provides(catalogue: Catalogue, plugin: PluginRecord) -> dict[str, list[str]]:
    position = catalogue.plugins.index(plugin)
    return {
        "models": [row.name for row in catalogue.rows if row.plugin == position],
        "components": [
            f"{row.kind} {row.name}" for row in catalogue.components if row.plugin == position
        ],
        "commands": [row.name for row in catalogue.commands() if row.plugin == position],
        "hooks": list(plugin.hooks),
    }


def conflicts(catalogue: Catalogue) -> Iterator[str]:
    """Names that more than one plugin gives, or that are genzoo's own, in a line each."""
    commands = catalogue.commands()
    for row in commands:
        if row.name in BUILTIN:
            own = f"{row.distribution}/{row.name}"
            yield f"command {row.name} is genzoo's own; {row.distribution}'s is `genzoo {own}`"
    named = [(f"command {row.name}", row.plugin) for row in commands]
    named += [(f"model {row.name}", row.plugin) for row in catalogue.rows]
    named += [(f"component {row.kind} {row.name}", row.plugin) for row in catalogue.components]
    for name in sorted(shared(name for name, _ in named)):
        owners = [str(catalogue.plugins[plugin]) for other, plugin in named if other == name]
        yield f"{name} is ambiguous: {' and '.join(owners)} have it"
