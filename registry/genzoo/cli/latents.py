"""`genzoo encode` and `genzoo decode`: from pictures to latents, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.group import complete_models
from genzoo.cli.making import carry_out, destination_of, print_result, tell_hooks
from genzoo.cli.options import (
    condition_options,
    gather,
    making_options,
    preview_option,
    request_from,
    style_options,
)
from genzoo.cli.progress import progress
from genzoo.cli.settings import output_folder
from genzoo.files.libraries import need_pyarrow
from genzoo.run.outputs.destination import Destination, choose_latents, write_latents
from genzoo.text import many
from genzoo_core.errors import UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.request import BATCH

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command("encode")
@click.argument("model", shell_complete=complete_models)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", help="Where to: .npz, .parquet or .safetensors.", type=click.Path())
@condition_options
@making_options
@click.pass_context
def encode(
    ctx: click.Context,
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

    INPUTS are picture files and folders of them. Of folders, and in parquet, the names of the
    files stand beside the latents. Discrete codes are whole numbers, int64.

    \b
    genzoo encode vae-mnist digit.png -o z.npz
    genzoo encode vae-mnist digits/ -o z.parquet
    """
    from genzoo.run.tasks.encode import make_latents

    begin = time.monotonic()
    zoo: Zoo = ctx.obj
    unnamed = output_folder(ctx) if output is None else Path()
    destination = choose_latents(output, force=force, unnamed=unnamed)
    options = gather(settings)
    if destination.format == "parquet" or any(path.is_dir() for path in fields["inputs"]):
        _encode_files(zoo, model, options, fields, destination, as_json=as_json, begin=begin)
        return
    plan = zoo.plan(request_from(model, options, encode=True, **fields))
    for note in plan.notes:
        to_stderr(note)
    latents = make_latents(plan)
    path = write_latents(destination, latents)
    seconds = round(time.monotonic() - begin, 3)
    tell_hooks(zoo, latents.record, [path], seconds)
    shape = list(latents.posterior.mean.shape)
    print_result(latents.record, path, as_json, shape=shape, seconds=seconds)


def _encode_files(
    zoo: Zoo,
    model: str,
    options: dict[str, str],
    fields: dict[str, Any],
    destination: Destination,
    *,
    as_json: bool,
    begin: float,
) -> None:
    """Encode whole folders, or into a table: batch by batch, each row with its file's name."""
    from genzoo.run.outputs.encoded import write_encoded
    from genzoo.run.plan import background_of
    from genzoo.run.tasks.encode_files import (
        encode_files,
        first_picture,
        picture_files,
        record_of,
    )

    if destination.format == "safetensors":
        raise UsageError(".safetensors holds no names of files", "give -o z.npz or -o z.parquet")
    if destination.format == "parquet":
        need_pyarrow("writing parquet", "give -o z.npz")
    if len(fields["prompts"]) > 1:
        raise UsageError("a folder is encoded with one prompt for all", "leave the others out")
    inputs = fields.pop("inputs")
    files = picture_files(inputs, to_stderr)
    one = first_picture(files)
    plan = zoo.plan(request_from(model, options, encode=True, inputs=(one,), **fields))
    batch = min(fields["batch"] or BATCH, len(files))
    to_stderr(f"{plan.opened.name}: {many(len(files), 'picture')}")
    with progress(plan.opened.name) as update:
        batches = encode_files(
            plan,
            files,
            batch,
            background=background_of(plan.opened, zoo),
            note=to_stderr,
            on_progress=update,
        )
        record = record_of(plan, batch)
        path, shape = write_encoded(destination, record, inputs[0], batches)
    seconds = round(time.monotonic() - begin, 3)
    tell_hooks(zoo, record, [path], seconds)
    print_result(record, path, as_json, shape=shape, seconds=seconds)


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
