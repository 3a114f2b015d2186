"""What there is to say of a plugin: its state, and what it provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from genzoo.cli.builtin import BUILTIN
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.names import full_name
from genzoo.text import listed
from genzoo_core.plugin import Plugin, Verification


def overview(plugin: Plugin, verified: Verification | None = None) -> dict[str, Any]:
    """A plugin as `genzoo plugins --json` shows it."""
    errors = [plugin.error] if plugin.error else []
    errors += verified.problems if verified else ()
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "folder": plugin.location or None,
        "builtin": plugin.builtin,
        "summary": plugin.manifest.summary if plugin.manifest else "",
        "status": "broken" if errors else plugin.status,
        "errors": errors,
        "removal": plugin.removal,
        **provides(plugin),
        "seconds": verified and verified.seconds,
    }


def provides(plugin: Plugin) -> dict[str, list[str]]:
    """What a plugin brings, by name."""
    manifest = plugin.manifest
    return {
        "models": [card.name for card in manifest.models] if manifest else [],
        "components": [f"{c.kind} {c.name}" for c in manifest.components] if manifest else [],
        "commands": [command.name for command in manifest.commands] if manifest else [],
        "formats": [each.name for each in manifest.formats] if manifest else [],
        "hooks": list(plugin.hooks),
    }


def conflicts(catalogue: Catalogue) -> Iterator[str]:
    """Names that more than one plugin gives, or that are genzoo's own, in a line each."""
    for command in catalogue.commands:
        if command.bare in BUILTIN:
            theirs = f"{command.distribution}'s is `genzoo {full_name(command)}`"
            yield f"command {command.bare} is genzoo's own; {theirs}"
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for each in catalogue.commands:
        owners[f"command {each.bare}"].append(str(each.plugin))
    for model in catalogue.models:
        owners[f"model {model.bare}"].append(str(model.plugin or "your own list"))
    for component in catalogue.components:
        name = f"component {component.entry.kind} {component.bare}"
        owners[name].append(str(component.plugin))
    for name in sorted(owners):
        if len(owners[name]) > 1:
            yield f"{name} is ambiguous: {listed(owners[name], ' and ')} have it"
