"""The command `genzoo brightness`."""

from __future__ import annotations

import json

import click

from genzoo_core import Request, Zoo


@click.command()
@click.argument("model")
@click.option("-n", type=click.IntRange(min=1), default=16, show_default=True, help="Pictures.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def brightness(ctx: click.Context, *, model: str, n: int, seed: int, as_json: bool) -> None:
    """Say how bright the pictures of MODEL are, from 0 (black) to 1."""
    zoo: Zoo = ctx.obj
    images = zoo.generate(Request(model, n=n, seed=seed)).images
    value = round((float(images.mean()) + 1) / 2, 4)
    click.echo(json.dumps({"model": model, "brightness": value}) if as_json else f"{value:.4f}")
