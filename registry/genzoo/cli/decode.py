"""`genzoo decode`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo.cli.options import complete_models, device_option, precision_option, variant_option
from genzoo.cli.run import carry_out
from genzoo.cli.settings import gather
from genzoo.run.outputs.destination import choose
from genzoo_core.request import BATCH, Input, Precision, Request

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command("decode")
@click.argument("model", shell_complete=complete_models)
@click.argument("latents", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", help="Where to: .png, .npz, .safetensors or a folder.", type=click.Path()
)
@click.option("--prompt", "prompts", multiple=True, help="What the pictures show.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A further condition.")
@click.option("-f", "--force", is_flag=True, help="Replace what exists.")
@variant_option
@device_option
@precision_option
@click.option("--threads", type=int, help="CPU threads.")
@click.option("--batch", type=int, default=BATCH, help="Latents decoded at a time.")
@click.option("--preview/--no-preview", default=None, help="Show the pictures in the terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def decode(
    ctx: click.Context,
    *,
    model: str,
    latents: Path,
    output: str | None,
    prompts: tuple[str, ...],
    settings: tuple[str, ...],
    force: bool,
    variant: str,
    device: str | None,
    precision: Precision | None,
    threads: int | None,
    batch: int,
    preview: bool | None,
    as_json: bool,
) -> None:
    """Turn LATENTS of MODEL into pictures: a file that `genzoo encode` wrote, or one of yours.

    That is a .npz or .safetensors file with an array `mean`, or with one array alone.

    \b
    genzoo decode vae-mnist z.npz -o digits.png
    """
    from genzoo.run.plan import plan

    zoo: Zoo = ctx.obj
    begin = time.monotonic()
    destination = choose(output, force=force, catalogue=zoo.catalogue)
    request = Request(
        model,
        prompts,
        options=gather(settings, {}),
        latents=Input(str(latents)),
        variant=variant,
        device=device or "cpu",
        precision=precision or "auto",
        threads=threads,
        batch=batch,
    )
    planned = plan(request, zoo)
    carry_out(planned, destination, zoo, preview=preview, as_json=as_json, begin=begin)
