"""`genzoo plugins`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from genzoo.cli import table
from genzoo.cli.group import BUILTIN, catalogue_of
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.guard import warn
from genzoo.plugins.names import full_name
from genzoo.text import NAMES, listed, many, printable
from genzoo_core.errors import UsageError
from genzoo_core.plugin import Plugin, Verification


class _Group(click.Group):
    """`genzoo plugins restore` is `genzoo restore`, which a plugin brings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["restore"] if self.get_command(ctx, "restore") else []

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        root = ctx.find_root()
        assert isinstance(root.command, click.Group)
        return root.command.get_command(root, cmd_name) if cmd_name == "restore" else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        root = ctx.find_root()
        if args[0] != "restore" or not isinstance(root.command, click.Group):
            return super().resolve_command(ctx, args)
        found = root.command.resolve_command(root, args)  # where it is not there, it says why
        ctx.obj = root.obj
        return found


@click.group(cls=_Group, invoke_without_command=True, subcommand_metavar="[restore]")
@click.option("--check", is_flag=True, help="Import all that they name, and verify their hooks.")
@click.option("--times", is_flag=True, help="Show how long their imports take.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, *, check: bool, times: bool, as_json: bool) -> None:
    """Show the plugins that are installed, what they bring, and what is wrong with them.

    A plugin's code runs only where --check or --times asks for it, each in a process of its own.
    With --check the exit code is 1 where a plugin is broken.
    """
    if ctx.invoked_subcommand is not None:
        if check or times or as_json:
            command = ctx.invoked_subcommand
            hint = f"give options after it: `genzoo plugins {command} --help`"
            raise UsageError(f"--check, --times and --json do not go with {command}", hint)
        return
    catalogue = catalogue_of(ctx)
    reports = _check(catalogue) if check or times else {}
    entries = [_overview(plugin, reports.get(str(plugin))) for plugin in catalogue.plugins]
    problems = list(conflicts(catalogue))
    if as_json:
        click.echo(json.dumps({"plugins": entries, "conflicts": problems}, indent=2))
    else:
        _draw(entries, times=times)
        for problem in problems[:NAMES]:
            warn(problem)
        if len(problems) > NAMES:
            warn(f"{len(problems) - NAMES} more names are ambiguous; --json shows them")
    if check and any(entry["status"] == "broken" for entry in entries):
        ctx.exit(1)


def _check(catalogue: Catalogue) -> dict[str, Verification]:
    from genzoo.models.verify import verify_plugin

    reports = {}
    for plugin in catalogue.plugins:
        if plugin.status == "ok":
            if sys.stderr is not None and sys.stderr.isatty():
                click.echo(f"checking {plugin} …", err=True)  # each takes seconds
            reports[str(plugin)] = verify_plugin(plugin)
    return reports


def _overview(plugin: Plugin, verified: Verification | None = None) -> dict[str, Any]:
    """A plugin as `genzoo plugins --json` shows it."""
    manifest = plugin.manifest
    errors = [plugin.error] if plugin.error else []
    errors += verified.problems if verified else ()
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "folder": plugin.location or None,
        "builtin": plugin.builtin,
        "summary": manifest.summary if manifest else "",
        "status": "broken" if errors else plugin.status,
        "errors": errors,
        "removal": plugin.removal,
        "models": [card.name for card in manifest.models] if manifest else [],
        "components": [f"{c.kind} {c.name}" for c in manifest.components] if manifest else [],
        "commands": [command.name for command in manifest.commands] if manifest else [],
        "formats": [each.name for each in manifest.formats] if manifest else [],
        "hooks": list(plugin.hooks),
        "seconds": verified and verified.seconds,
    }


def conflicts(catalogue: Catalogue) -> Iterator[str]:
    """Names that more than one plugin has, or that are genzoo's own, in a line each."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for command in catalogue.commands:
        if command.bare in BUILTIN:
            theirs = f"{command.distribution}'s is `genzoo {full_name(command)}`"
            yield f"command {command.bare} is genzoo's own; {theirs}"
        owners[f"command {command.bare}"].append(str(command.plugin))
    for model in catalogue.models:
        owners[f"model {model.bare}"].append(str(model.plugin or "your own list"))
    for component in catalogue.components:
        name = f"component {component.entry.kind} {component.bare}"
        owners[name].append(str(component.plugin))
    for name in sorted(owners):
        if len(owners[name]) > 1:
            yield f"{name} is ambiguous: {listed(owners[name], ' and ')} have it"


def _draw(entries: Sequence[Mapping[str, Any]], *, times: bool) -> None:
    if not entries:
        click.echo("No plugins are installed.", err=True)
        return
    header = ["plugin", "distribution", "version", "status", *(["import"] if times else [])]
    lines = []
    for entry in entries:
        line = [entry[field] for field in ("name", "distribution", "version", "status")]
        seconds = "" if entry["seconds"] is None else f"{entry['seconds']:.2f} s"
        lines.append([*line, *([seconds] if times else []), _counts(entry)])
    table.write_table([*header, "provides"], lines, drop=("version", "distribution"))
    for entry in entries:
        for error in entry["errors"]:
            owner = f"{entry['name']} ({entry['distribution']} {entry['version']})"
            removal = f"; remove it with `{entry['removal']}`" if entry["removal"] else ""
            click.echo(f"\n{printable(f'{owner} is broken: {error}{removal}')}")


def _counts(entry: Mapping[str, Any]) -> str:
    provided = ("model", "component", "command", "format", "hook")
    return ", ".join(many(len(entry[f"{what}s"]), what) for what in provided if entry[f"{what}s"])
