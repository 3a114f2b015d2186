"""`genzoo list`."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import isfile
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli import table
from genzoo.cli.group import catalogue_of
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.guard import warn
from genzoo.plugins.names import Owned, full_name, refuse_unknown, select, select_components
from genzoo.text import listed, quoted
from genzoo_core.errors import GenzooError, UsageError, did_you_mean
from genzoo_core.manifest import ComponentEntry
from genzoo_core.plugin import Model
from genzoo_core.progress import to_stderr

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FIELDS = ("family", "kind", "dataset", "shape", "conditioners",
          "size", "parameters", "summary", "aliases")  # fmt: skip
"""Of a card, those that `--json` prints."""

DROPPED = ("size", "shape", "dataset", "conditioners", "kind", "family")
"""What a narrow terminal does without, the least important first."""

QUOTE = "write a pattern in quotes, 'vae*', or the shell puts the names of files here in its place"


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from genzoo.cli.completing import complete_fields  # a listing completes nothing

    return complete_fields(ctx, parameter, incomplete)


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]")
@click.option("--family", metavar="F", shell_complete=_complete, help="Only models of this family.")
@click.option(
    "--conditioner",
    metavar="C",
    shell_complete=_complete,
    help="Only models with a conditioner of this name.",
)
@click.option(
    "--kind",
    metavar="K",
    shell_complete=_complete,
    help="Only this kind: model, codec, sampler, noiser, …",
)
@click.option("--dynamic", is_flag=True, help="Also list what plugins know only at run time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(
    ctx: click.Context,
    *,
    patterns: tuple[str, ...],
    family: str | None,
    conditioner: str | None,
    kind: str | None,
    dynamic: bool,
    as_json: bool,
) -> None:
    """Show the models that are installed, and those that were added.

    PATTERN is a glob ('vae*', 'acme/*') or a part of a name. A name that two plugins own is
    shown in full, as distribution/name. Of a kind that has no weights, such as samplers, the
    components are shown. A terminal that is too narrow shows fewer columns, a pipe all.
    """
    if len(patterns) > 1:
        raise UsageError(f"unexpected extra argument {quoted(patterns[1])}", QUOTE)
    pattern = patterns[0] if patterns else None
    catalogue = catalogue_of(ctx)
    if dynamic:
        catalogue.add_dynamic()
    if kind is not None and _only_components(catalogue, kind):
        if family is not None or conditioner is not None:
            raise UsageError(f"--family and --conditioner do not go with --kind {kind}")
        _list_components(select_components(catalogue.components, kind, pattern), as_json)
        return
    models = select(catalogue.models, pattern, family=family, conditioner=conditioner, kind=kind)
    _mention_broken(catalogue)
    if not models and catalogue.models:
        raise _no_match(catalogue, pattern)
    if as_json:
        _print_json([_as_json(model, catalogue.short_name(model)) for model in models])
    elif models:
        _draw(models, catalogue)
        if kind is not None and (others := select_components(catalogue.components, kind)):
            names = listed([full_name(each) for each in others])
            click.echo(f"components of this kind, for recipes: {names}", err=True)
    else:
        click.echo("No models are installed; `genzoo plugins` shows what is.", err=True)


def _only_components(catalogue: Catalogue, kind: str) -> bool:
    models = {model.card.kind for model in catalogue.models}
    refuse_unknown("kind", kind, models | {each.entry.kind for each in catalogue.components})
    # A conditioner with weights is a part of models; whoever lists conditioners wants all of them.
    return kind == "conditioner" or kind not in models


def _list_components(found: Sequence[Owned[ComponentEntry]], as_json: bool) -> None:
    if not found and not as_json:
        raise GenzooError("no component matches", "leave the pattern out to see all of its kind")
    if as_json:
        fields = ("name", "full_name", "kind", "summary")
        rows = [(c.bare, full_name(c), c.entry.kind, c.entry.summary) for c in found]
        _print_json([dict(zip(fields, row, strict=True)) for row in rows])
        return
    lines = [[c.bare, c.entry.kind, c.distribution, c.entry.summary] for c in found]
    header = ["name", "kind", "distribution", "summary"]
    table.write_table(header, lines, drop=("kind", "distribution"))


def _print_json(found: object) -> None:
    import json

    click.echo(json.dumps(found, indent=2))


def _draw(models: Sequence[Model], catalogue: Catalogue) -> None:
    kinds = any(model.card.kind != "model" for model in models)
    header = ["name", "family", *(["kind"] if kinds else []), "dataset", "shape", "conditioners"]
    lines = []
    # What draws comes first: a narrow terminal has no room for the kind.
    for model in sorted(models, key=lambda model: model.card.kind != "model"):
        card = model.card
        line = [catalogue.short_name(model), card.family, *([card.kind] if kinds else [])]
        line += [card.dataset, table.shape(card.shape), ", ".join(card.conditioners)]
        lines.append([*line, table.size(card.size), card.summary])
    out = table.write_table([*header, "size", "summary"], lines, drop=DROPPED)
    if out:
        to_stderr(f"no room for {', '.join(out)}: a wider terminal, or a pipe, has them")


def _as_json(model: Model, name: str) -> dict[str, Any]:
    facts = {field: getattr(model.card, field) for field in FIELDS}
    return {"name": name, "full_name": model.name, **facts}


def _no_match(catalogue: Catalogue, pattern: str | None) -> GenzooError:
    if pattern is None:
        return GenzooError("no model matches all of these options", "`genzoo list` shows all")
    names = [name for m in catalogue.models for name in (catalogue.short_name(m), *m.aliases)]
    replaced = QUOTE if isfile(pattern) else None  # where pathlib fails on long ones
    near = replaced or did_you_mean(pattern, names) or "`genzoo list` shows all"
    return GenzooError(f"no model matches {quoted(pattern)}", near)


def _mention_broken(catalogue: Catalogue) -> None:
    if catalogue.problem is not None:
        warn(str(catalogue.problem))
    if broken := catalogue.broken:
        names = ", ".join(map(str, broken[:3])) + (", …" if len(broken) > 3 else "")
        count = "1 plugin is" if len(broken) == 1 else f"{len(broken)} plugins are"
        warn(f"{count} broken: {names}; see `genzoo plugins`")
