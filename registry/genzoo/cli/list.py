"""`genzoo list`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from genzoo.catalogue import Catalogue
from genzoo.cli import table
from genzoo.cli.group import catalogue_of
from genzoo.installed.filtering import refuse_unknown, select_components
from genzoo.installed.guard import warn
from genzoo.installed.records import ComponentRow, ModelFacts, ModelRow
from genzoo.text import quoted
from genzoo_core.errors import GenzooError, UsageError, did_you_mean


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--family", metavar="F", help="Only models of this family.")
@click.option("--conditioner", metavar="C", help="Only models with a conditioner of this name.")
@click.option("--kind", metavar="K", help="Only this kind: model, codec, sampler, noiser, …")
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
    shown in full, as distribution/name. Of a kind that has no weights, such as samplers, the
    components are shown.
    """
    catalogue = catalogue_of(ctx)
    if dynamic:
        catalogue.ask_for_models()
    if kind is not None and _only_components(catalogue, kind):
        if family is not None or conditioner is not None:
            raise UsageError(f"--family and --conditioner do not go with --kind {kind}")
        _list_components(select_components(catalogue.components, kind, pattern), as_json)
        return
    rows = catalogue.select(pattern, family=family, conditioner=conditioner, kind=kind)
    _mention_broken(catalogue)
    if not rows and catalogue.rows:
        raise _no_match(catalogue.rows, pattern)
    facts = catalogue.facts(rows)
    if as_json:
        click.echo(json.dumps(list(map(_as_json, rows, facts)), indent=2))
    elif rows:
        _draw(rows, facts)
        if kind is not None:
            _mention_components(select_components(catalogue.components, kind, None))
    else:
        click.echo("No models are installed; `genzoo plugins` shows what is.", err=True)


def _only_components(catalogue: Catalogue, kind: str) -> bool:
    models = {row.kind for row in catalogue.rows}
    refuse_unknown("kind", kind, models | {row.kind for row in catalogue.components})
    # A conditioner with weights is a part of models; who asks for conditioners wants all of them.
    return kind == "conditioner" or kind not in models


def _list_components(rows: Sequence[ComponentRow], as_json: bool) -> None:
    if not rows and not as_json:
        raise GenzooError("no component matches", "leave the pattern out to see all of its kind")
    if as_json:
        named = [
            {
                "name": row.name,
                "full_name": f"{row.distribution}/{row.name}",
                "kind": row.kind,
                "summary": row.summary,
            }
            for row in rows
        ]
        click.echo(json.dumps(named, indent=2))
        return
    lines = [[row.name, row.kind, row.distribution, row.summary] for row in rows]
    table.write_table(["name", "kind", "distribution", "summary"], lines)


def _mention_components(rows: Sequence[ComponentRow]) -> None:
    """Name what recipes can make others of this kind with."""
    if rows:
        names = ", ".join(f"{row.distribution}/{row.name}" for row in rows)
        click.echo(f"components of this kind, for recipes: {names}", err=True)


def _draw(rows: Sequence[ModelRow], facts: Sequence[ModelFacts]) -> None:
    kinds = any(row.kind != "model" for row in rows)
    header = ["name", "family", *(["kind"] if kinds else []), "dataset", "shape", "conditioners"]
    lines = [
        [
            row.shown,
            row.family,
            *([row.kind] if kinds else []),
            fact.dataset,
            table.shape(fact.shape),
            ", ".join(row.conditioners),
            table.size(fact.size),
            fact.summary,
        ]
        for row, fact in zip(rows, facts, strict=True)
    ]
    table.write_table([*header, "size", "summary"], lines)


def _as_json(row: ModelRow, facts: ModelFacts) -> dict[str, Any]:
    return {
        "name": row.shown,
        "full_name": row.full_name,
        "family": row.family,
        "kind": row.kind,
        "dataset": facts.dataset,
        "shape": facts.shape,
        "conditioners": row.conditioners,
        "size": facts.size,
        "parameters": facts.parameters,
        "summary": facts.summary,
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
