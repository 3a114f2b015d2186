"""`genzoo list`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from genzoo.catalogue import Catalogue
from genzoo.cli import table
from genzoo.cli.group import catalogue_of
from genzoo.installed.filtering import select
from genzoo.installed.guard import warn
from genzoo.installed.records import ModelRow
from genzoo.text import quoted
from genzoo_core.errors import GenzooError, did_you_mean


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--family", metavar="F", help="Only models of this family.")
@click.option("--conditioner", metavar="C", help="Only models with a conditioner of this name.")
@click.option("--kind", metavar="K", help="Only weights of this kind: model, codec, encoder, …")
@click.option("--dynamic", is_flag=True, help="Also ask plugins for what they know at run time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(
    ctx: click.Context,
    *,
    pattern: str | None,
    family: str | None,
    conditioner: str | None,
    kind: str | None,
    dynamic: bool,
    as_json: bool,
) -> None:
    """Show the models that are installed.

    PATTERN is a glob ('vae*', 'acme/*') or a part of a name. A name that two plugins own is
    shown in full, as distribution/name.
    """
    catalogue = catalogue_of(ctx)
    if dynamic:
        catalogue.ask_for_models()
    rows = select(catalogue.rows, pattern, family=family, conditioner=conditioner, kind=kind)
    _mention_broken(catalogue)
    if catalogue.rows and not rows:
        raise _no_match(catalogue.rows, pattern)
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in rows], indent=2))
    elif rows:
        _draw(rows)
    else:
        click.echo("No models are installed; `genzoo plugins` shows what is.", err=True)


def _draw(rows: Sequence[ModelRow]) -> None:
    kinds = any(row.kind != "model" for row in rows)
    header = ["name", "family", *(["kind"] if kinds else []), "dataset", "shape", "conditioners"]
    lines = [
        [
            row.shown,
            row.family,
            *([row.kind] if kinds else []),
            row.dataset,
            table.shape(row.shape),
            ", ".join(row.conditioners),
            table.size(row.size),
            row.summary,
        ]
        for row in rows
    ]
    table.write_table([*header, "size", "summary"], lines)


def _as_json(row: ModelRow) -> dict[str, Any]:
    return {
        "name": row.shown,
        "full_name": row.full_name,
        "family": row.family,
        "kind": row.kind,
        "dataset": row.dataset,
        "shape": row.shape,
        "conditioners": row.conditioners,
        "size": row.size,
        "parameters": row.parameters,
        "summary": row.summary,
        "aliases": row.aliases,
    }


def _no_match(rows: Sequence[ModelRow], pattern: str | None) -> GenzooError:
    if pattern is None:
        return GenzooError("no model matches all of these options", "`genzoo list` shows all")
    near = did_you_mean(pattern, [name for row in rows for name in (row.shown, *row.aliases)])
    return GenzooError(f"no model matches {quoted(pattern)}", near or "`genzoo list` shows all")


def _mention_broken(catalogue: Catalogue) -> None:
    broken = catalogue.broken
    if not broken:
        return
    names = ", ".join(map(str, broken[:3])) + (", …" if len(broken) > 3 else "")
    count = "1 plugin is" if len(broken) == 1 else f"{len(broken)} plugins are"
    warn(f"{count} broken: {names}; see `genzoo plugins`")
