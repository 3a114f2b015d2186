"""`genzoo add` and `genzoo rm`: the user's own list of models."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of, variant_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_added(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    names = [model.bare for model in catalogue_of(ctx).models if model.added]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command()
@click.argument("reference", metavar="FILE|FOLDER|hf://OWNER/REPO", type=click.Path())
@click.option("--name", metavar="NAME", help="Its name there; by default that of its card or file.")
@variant_option
@click.option("--copy", is_flag=True, help="Copy it into genzoo's folder; its file may then go.")
@click.pass_context
def add(ctx: click.Context, *, reference: str, name: str | None, variant: str, copy: bool) -> None:
    """Put a model into your own list: `genzoo list`, `run` and all others know its name then.

    Its file, or its folder in a format that a plugin reads, stays where it is and has to stay the
    same, unless --copy is given. What is fetched is named by the very commit. The list is for each
    user, not for each environment.

    \b
    genzoo add runs/mine/model.safetensors --name mine
    genzoo run mine -n 16
    """
    from genzoo.models.adding import add_model

    card = add_model(catalogue_of(ctx), reference, name=name, variant=variant, copy=copy)
    click.echo(f"{card.name}  {card.weights}")


@click.command()
@click.argument("name", shell_complete=complete_added)
@click.pass_context
def rm(ctx: click.Context, *, name: str) -> None:
    """Remove a model from your own list.

    Its file stays, but for a copy that `genzoo add --copy` made. The models of plugins go with
    their plugins: `genzoo uninstall`.
    """
    from genzoo.models.adding import remove_model
    from genzoo.text import printable

    card, copied = remove_model(catalogue_of(ctx), name)
    stays = os.path.lexists(card.weights)
    what = "; its copy is deleted" if copied else f"; {card.weights} stays" if stays else ""
    click.echo(printable(f"{card.name} is not in your list any more{what}"), err=True)
