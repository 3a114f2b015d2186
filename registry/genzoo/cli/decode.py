"""`genzoo decode`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.making import carry_out
from genzoo.cli.options import (
    complete_models,
    condition_options,
    gather,
    making_options,
    preview_option,
    request_from,
)
from genzoo.run.outputs.destination import choose

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command("decode")
@click.argument("model", shell_complete=complete_models)
@click.argument("latents", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", help="Where to: .png, .npz, .safetensors or a folder.", type=click.Path()
)
@condition_options
@making_options
@preview_option
@click.pass_obj
def decode(
    zoo: Zoo,
    /,
    *,
    model: str,
    output: str | None,
    settings: tuple[str, ...],
    force: bool,
    preview: bool | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Turn LATENTS of MODEL into pictures: a file that `genzoo encode` wrote, or one of yours.

    That is a .npz or .safetensors file with an array `mean`, or with one array alone.

    \b
    genzoo decode vae-mnist z.npz -o digits.png
    """
    begin = time.monotonic()
    destination = choose(output, force=force, catalogue=zoo.catalogue)
    plan = zoo.plan(request_from(model, gather(settings), **fields))
    carry_out(plan, destination, zoo, preview=preview, as_json=as_json, begin=begin)
