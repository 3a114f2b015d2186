"""`genzoo plugins`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from genzoo.catalogue import Catalogue
from genzoo.cli import table
from genzoo.cli.group import BUILTIN, catalogue_of
from genzoo.installed.guard import warn
from genzoo.installed.names import shared
from genzoo.installed.records import PluginRecord
from genzoo.text import printable

if TYPE_CHECKING:
    from genzoo.installed.checking import Report


@click.command()
@click.option("--check", is_flag=True, help="Import all that they name, and verify their hooks.")
@click.option("--times", is_flag=True, help="Show how long their imports take.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, *, check: bool, times: bool, as_json: bool) -> None:
    """Show the plugins that are installed, what they bring, and what is wrong with them.

    A plugin's code runs only where --check or --times asks for it, each in a process of its own.
    With --check the exit code is 1 where a plugin is broken.
    """
    catalogue = catalogue_of(ctx)
    reports = _check(catalogue) if check or times else {}
    shown = [_as_json(catalogue, plugin, reports.get(plugin)) for plugin in catalogue.plugins]
    if as_json:
        conflicts = list(_conflicts(catalogue))
        click.echo(json.dumps({"plugins": shown, "conflicts": conflicts}, indent=2))
    else:
        _draw(shown, times=times)
        for problem in _conflicts(catalogue):
            warn(problem)
    if check and any(entry["status"] == "broken" for entry in shown):
        ctx.exit(1)


def _check(catalogue: Catalogue) -> dict[PluginRecord, Report]:
    from genzoo.installed.checking import check_plugin

    reports = {}
    for plugin in catalogue.plugins:
        if plugin.status == "ok":
            if sys.stderr is not None and sys.stderr.isatty():
                click.echo(f"checking {plugin} …", err=True)  # each takes seconds
            reports[plugin] = check_plugin(plugin)
    return reports


def _as_json(catalogue: Catalogue, plugin: PluginRecord, report: Report | None) -> dict[str, Any]:
    errors = [plugin.error] if plugin.error else []
    errors += report.problems if report else ()
    provides = _provides(catalogue, plugin)
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
        **provides,
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


def _draw(shown: Sequence[Mapping[str, Any]], *, times: bool) -> None:
    if not shown:
        click.echo("No plugins are installed.", err=True)
        return
    header = ["plugin", "distribution", "version", "status", *(["import"] if times else [])]
    lines = [
        [
            entry["name"],
            entry["distribution"],
            entry["version"],
            entry["status"],
            *([_seconds(entry["seconds"])] if times else []),
            _counts(entry),
        ]
        for entry in shown
    ]
    table.write_table([*header, "provides"], lines)
    for entry in shown:
        for error in entry["errors"]:
            owner = f"{entry['name']} ({entry['distribution']} {entry['version']})"
            removal = f"; remove it with `{entry['removal']}`" if entry["removal"] else ""
            click.echo(f"\n{printable(f'{owner} is broken: {error}{removal}')}")


def _counts(entry: Mapping[str, Any]) -> str:
    counts = ((len(entry[what]), what) for what in ("models", "components", "commands", "hooks"))
    return ", ".join(f"{n} {what if n > 1 else what[:-1]}" for n, what in counts if n)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _conflicts(catalogue: Catalogue) -> Iterator[str]:
    """Names that more than one plugin gives, or that are genzoo's own."""
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
