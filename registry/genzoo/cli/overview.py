"""What there is to say of a plugin: its state, and what it provides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genzoo.cli.builtin import BUILTIN
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.names import full_name, shared
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
        "hooks": list(plugin.hooks),
    }


def conflicts(catalogue: Catalogue) -> Iterator[str]:
    """Names that more than one plugin gives, or that are genzoo's own, in a line each."""
    for command in catalogue.commands:
        if command.bare in BUILTIN:
            theirs = f"{command.distribution}'s is `genzoo {full_name(command)}`"
            yield f"command {command.bare} is genzoo's own; {theirs}"
    named: list[tuple[str, Plugin | None]] = [
        *((f"command {each.bare}", each.plugin) for each in catalogue.commands),
        *((f"model {model.bare}", model.plugin) for model in catalogue.models),
        *((f"component {c.entry.kind} {c.bare}", c.plugin) for c in catalogue.components),
    ]
    for name in sorted(shared(name for name, _ in named)):
        owners = [str(plugin) for other, plugin in named if other == name]
        yield f"{name} is ambiguous: {' and '.join(owners)} have it"
