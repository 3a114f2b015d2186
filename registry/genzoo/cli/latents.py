"""`genzoo encode` and `genzoo decode`: from pictures to latents, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.group import complete_models
from genzoo.cli.making import carry_out, destination_of, message, print_result, tell_hooks
from genzoo.cli.options import (
    condition_options,
    gather,
    making_options,
    preview_option,
    request_from,
    style_options,
)
from genzoo.run.outputs.destination import choose_latents, write_latents

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command("encode")
@click.argument("model", shell_complete=complete_models)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", help="Where to: .npz or .safetensors.", type=click.Path())
@condition_options
@making_options
@click.pass_obj
def encode(
    zoo: Zoo,
    /,
    *,
    model: str,
    output: str | None,
    settings: tuple[str, ...],
    force: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Turn pictures into the latents of MODEL: `mean` and, where it has one, `std`.

    Discrete codes are whole numbers, int64.

    \b
    genzoo encode vae-mnist digit.png -o z.npz
    """
    from genzoo.run.tasks.encode import make_latents

    begin = time.monotonic()
    destination = choose_latents(output, force=force)
    plan = zoo.plan(request_from(model, gather(settings), encode=True, **fields))
    for note in plan.notes:
        message(note)
    latents = make_latents(plan)
    path = write_latents(destination, latents)
    seconds = round(time.monotonic() - begin, 3)
    tell_hooks(zoo, latents.record, [path], seconds)
    shape = list(latents.posterior.mean.shape)
    print_result(latents.record, path, as_json, shape=shape, seconds=seconds)


@click.command("decode")
@click.argument("model", shell_complete=complete_models)
@click.argument("latents", type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    help="Where to: .png, .jpg, .webp, .npz, .safetensors, a folder, or - for stdout.",
    type=click.Path(),
)
@condition_options
@style_options
@making_options
@preview_option
@click.pass_context
def decode(
    ctx: click.Context,
    /,
    *,
    model: str,
    output: str | None,
    settings: tuple[str, ...],
    force: bool,
    preview: bool | None,
    as_json: bool,
    columns: int | None,
    scale: int | None,
    parameters: bool,
    xmp: bool,
    **fields: Any,
) -> None:
    """Turn LATENTS of MODEL into pictures: a file that `genzoo encode` wrote, or one of yours.

    That is a .npz or .safetensors file with an array `mean`, or with one array alone.

    \b
    genzoo decode vae-mnist z.npz -o digits.png
    """
    zoo: Zoo = ctx.obj
    begin = time.monotonic()
    destination = destination_of(ctx, output, force=force, as_json=as_json)
    plan = zoo.plan(request_from(model, gather(settings), **fields))
    carry_out(plan, destination, zoo, preview=preview, as_json=as_json, begin=begin)
