"""`genzoo encode`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo.cli.options import complete_models, device_option, precision_option, variant_option
from genzoo.cli.reporting import message, print_result
from genzoo.cli.settings import gather
from genzoo.run.outputs.destination import choose_latents, write_latents
from genzoo_core.request import BATCH, Input, Precision, Request

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command("encode")
@click.argument("model", shell_complete=complete_models)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", help="Where to: .npz or .safetensors.", type=click.Path())
@click.option("--prompt", "prompts", multiple=True, help="What the pictures show.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A further condition.")
@click.option("-f", "--force", is_flag=True, help="Replace what exists.")
@variant_option
@device_option
@precision_option
@click.option("--threads", type=int, help="CPU threads.")
@click.option("--batch", type=int, default=BATCH, help="Pictures encoded at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def encode(
    ctx: click.Context,
    *,
    model: str,
    inputs: tuple[Path, ...],
    output: str | None,
    prompts: tuple[str, ...],
    settings: tuple[str, ...],
    force: bool,
    variant: str,
    device: str | None,
    precision: Precision | None,
    threads: int | None,
    batch: int,
    as_json: bool,
) -> None:
    """Turn pictures into the latents of MODEL: `mean` and, where it has one, `std`.

    Discrete codes are whole numbers, int64.

    \b
    genzoo encode vae-mnist digit.png -o z.npz
    """
    from genzoo.run.plan import plan
    from genzoo.run.tasks.encode import make_latents

    zoo: Zoo = ctx.obj
    begin = time.monotonic()
    destination = choose_latents(output, force=force)
    request = Request(
        model,
        prompts,
        options=gather(settings, {}),
        inputs=tuple(Input(str(path)) for path in inputs),
        encode=True,
        variant=variant,
        device=device or "cpu",
        precision=precision or "auto",
        threads=threads,
        batch=batch,
    )
    planned = plan(request, zoo)
    for note in planned.notes:
        message(note)
    latents = make_latents(planned)
    path = write_latents(destination, latents)
    seconds = round(time.monotonic() - begin, 3)
    shape = list(latents.posterior.mean.shape)
    print_result(latents.record, path, as_json, shape=shape, seconds=seconds)
