"""`genzoo encode`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.making import message, print_result
from genzoo.cli.options import (
    complete_models,
    condition_options,
    gather,
    making_options,
    request_from,
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
    shape = list(latents.posterior.mean.shape)
    print_result(latents.record, path, as_json, shape=shape, seconds=seconds)
