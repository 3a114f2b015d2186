"""`genzoo plugins`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli import table
from genzoo.cli.context import catalogue_of
from genzoo.cli.overview import conflicts, overview
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.guard import warn
from genzoo.text import NAMES, printable
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from genzoo_core.plugin import Verification


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
            raise UsageError(
                f"--check, --times and --json do not go with {ctx.invoked_subcommand}",
                f"give options after it: `genzoo plugins {ctx.invoked_subcommand} --help`",
            )
        return
    catalogue = catalogue_of(ctx)
    reports = _check(catalogue) if check or times else {}
    entries = [overview(plugin, reports.get(str(plugin))) for plugin in catalogue.plugins]
    if as_json:
        found = {"plugins": entries, "conflicts": list(conflicts(catalogue))}
        click.echo(json.dumps(found, indent=2))
    else:
        _draw(entries, times=times)
        problems = list(conflicts(catalogue))
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


def _draw(entries: Sequence[Mapping[str, Any]], *, times: bool) -> None:
    if not entries:
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
        for entry in entries
    ]
    table.write_table([*header, "provides"], lines)
    for entry in entries:
        for error in entry["errors"]:
            owner = f"{entry['name']} ({entry['distribution']} {entry['version']})"
            removal = f"; remove it with `{entry['removal']}`" if entry["removal"] else ""
            click.echo(f"\n{printable(f'{owner} is broken: {error}{removal}')}")


def _counts(entry: Mapping[str, Any]) -> str:
    provided = ("models", "components", "commands", "formats", "hooks")
    counts = ((len(entry[what]), what) for what in provided)
    return ", ".join(f"{n} {what if n > 1 else what[:-1]}" for n, what in counts if n)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"
