"""`genzoo list`."""

from __future__ import annotations

import click

from genzoo.cli.group import catalogue_of


@click.command("list")
@click.argument("pattern", required=False)
@click.pass_context
def list_(ctx: click.Context, pattern: str | None) -> None:
    """Show the models that are installed."""
    for row in catalogue_of(ctx).rows:
        click.echo(row.shown)
