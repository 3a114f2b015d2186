"""`genzoo cache`: what was fetched from the Hub."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from genzoo_core.errors import IntegrityError
from genzoo_core.table import size, write_table
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_hub.failures import About, explain
from genzoo_hub.inventory import CachedModel, cached_models, find_waste
from genzoo_hub.repo_cache import cache_folder


@click.group("cache")
def cache() -> None:
    """Show, check and tidy what genzoo fetched into the Hub's cache.

    The Hub's cache is where HF_HUB_CACHE or HF_HOME says; other libraries use it too, and what
    is theirs is left alone.
    """


@cache.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool) -> None:
    """Show what was fetched: model files, and repositories in formats of others."""
    models = _models()
    if as_json:
        click.echo(json.dumps([_as_json(model) for model in models], indent=2))
        return
    if not models:
        click.echo(f"Nothing of genzoo's is in {cache_folder()}.", err=True)
        return
    rows = [
        [
            f"{model.reference.repo}/{model.reference.file}".removesuffix("/"),
            model.reference.revision[:12],
            ", ".join(model.refs),
            size(model.size),
            model.sha256[:12],
        ]
        for model in models
    ]
    header = ["file", "commit", "revisions", "size", "sha256"]
    write_table(header, rows, drop=("sha256", "revisions", "commit"))


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, as_json: bool) -> None:
    """Check that each file is what its repository promised."""
    models = [(model, *model.verify()) for model in _models()]
    if as_json:
        states = [{**_as_json(model), "state": state} for model, state, _ in models]
        click.echo(json.dumps(states, indent=2))
    elif models:
        rows = [[str(model.reference), state] for model, state, _ in models]
        write_table(["file", "state"], rows)
    damaged = [path for _, state, path in models if state == "damaged"]
    if damaged:
        count = "1 model file is" if len(damaged) == 1 else f"{len(damaged)} model files are"
        raise IntegrityError(
            f"{count} damaged, {damaged[0]} among them"
            if len(damaged) > 1
            else f"{count} damaged: {damaged[0]}",
            "`genzoo pull` fetches it again",
        )


@cache.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; so it is without --yes, too.")
@click.option("-y", "--yes", is_flag=True, help="Remove what is shown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def prune(zoo: Zoo, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove old commits of models, and what broken downloads have left.

    Kept are the newest commit of each repository, those that a branch or tag was at, and those
    that an installed model names.
    """
    left_out: list[str] = []
    waste = find_waste(zoo.cards(), left_out)
    _warn(left_out)
    removing = yes and not dry_run
    if removing:
        try:
            for one in waste:
                one.remove()
        except OSError as error:
            raise explain(error, About()) from error
    if as_json:
        found = [{"path": str(one.path), "what": one.what, "size": one.size} for one in waste]
        click.echo(json.dumps({"removed": removing, "found": found}, indent=2))
        return
    if waste:
        write_table(["path", "size", "what"], [[str(w.path), size(w.size), w.what] for w in waste])
    total = size(sum(one.size for one in waste)) or "0 B"
    if not waste:
        click.echo("There is nothing to remove.", err=True)
    elif removing:
        click.echo(f"Removed {total}.", err=True)
    else:
        click.echo(f"Nothing was removed; `genzoo cache prune --yes` frees {total}.", err=True)


def _models() -> list[CachedModel]:
    left_out: list[str] = []
    models = cached_models(left_out)
    _warn(left_out)
    return models


def _warn(left_out: Sequence[str]) -> None:
    for line in left_out:
        click.echo(f"Warning: left out: {printable(line)}", err=True)


def _as_json(model: CachedModel) -> dict[str, object]:
    return {
        "reference": str(model.reference),
        "repo": model.reference.repo,
        "file": model.reference.file,
        "commit": model.reference.revision,
        "revisions": model.refs,
        "size": model.size,
        "sha256": model.sha256,
        "path": str(model.path),
    }
