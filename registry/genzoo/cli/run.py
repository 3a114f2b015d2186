"""`genzoo run`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, get_args

import click

from genzoo.cli.bulk import Shards, run_shards
from genzoo.cli.completing import (
    complete_prompts,
    complete_samplers,
    complete_settings,
    settable,
)
from genzoo.cli.group import complete_models
from genzoo.cli.making import carry_out, destination_of
from genzoo.cli.options import (
    check_style,
    gather,
    making_options,
    parse_interpolate,
    parse_lora,
    preview_option,
    request_from,
    style_options,
)
from genzoo.cli.settings import settings_of
from genzoo.models.weights import has_scheme
from genzoo.plugins.names import choices
from genzoo.run.bulk.layout import FORMS, SIZE, Form
from genzoo_core.downloads import no_downloads
from genzoo_core.errors import UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.request import Offload

if TYPE_CHECKING:
    from genzoo.run.tasks.task import Plan
    from genzoo.zoo import Zoo


SECTIONS = {
    "What to make": (
        *("prompt_file", "n", "seed", "steps", "sampler", "guidance", "negative", "settings"),
        *("loras", "replay"),
    ),
    "From pictures and between them": ("inputs", "strength", "mask", "interpolate"),
    "What is written": (
        *("output", "columns", "scale", "parameters", "xmp", "shards", "shard_size", "force"),
        *("preview", "as_json"),
    ),
    "How it is computed": (
        *("device", "precision", "batch", "threads", "compile", "offload", "variant"),
    ),
}
"""The options by what they are for, in the order of the help."""


class RunCommand(click.Command):
    """A command whose prompts may be negative numbers: `genzoo run MODEL -1`."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = {str(option.name): option for option in self.params}
        for title, names in SECTIONS.items():
            records = (options[name].get_help_record(ctx) for name in names)
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take unknown options for prompts, then refuse those that are no numbers.

        Raises:
            click.NoSuchOption: There is one.
            UsageError: It is what `--set` takes of the model that is named.
        """
        words = set(takewhile(lambda word: word != "--", args))
        rest = super().parse_args(ctx, args)
        for word in (ctx.params["model"], *ctx.params["prompts"]):
            if word in words and word.startswith("-") and not _is_number(word):
                name, _, value = word.partition("=")
                if (key := name.lstrip("-")) in settable(ctx):
                    text = f"{key} is of the model, and no option of genzoo run"
                    raise UsageError(text, f"--set {key}={quote(value or 'VALUE')}")
                raise click.NoSuchOption(name, ctx=ctx)
        return rest


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _as_settings(
    _ctx: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """`--steps 20` as `--set steps=20`."""
    return tuple(f"{option.name}={value}" for value in values)


_setting = partial(click.option, multiple=True, callback=_as_settings)


@click.command("run", cls=RunCommand, context_settings={"ignore_unknown_options": True})
@click.argument("model", required=False, shell_complete=complete_models)
@click.argument("prompts", nargs=-1, metavar="[PROMPT]...", shell_complete=complete_prompts)
@click.option(
    *("--prompts", "prompt_file"),
    type=click.Path(),
    metavar="FILE",
    help="Prompts from a file or, as -, from stdin: one a line, or .jsonl, .csv or .parquet with "
    "columns prompt, further conditions and seed.",
)
@click.option("-n", type=int, help="Pictures per prompt, or steps of a walk.")
@click.option("--seed", type=int, help="Seed of the first picture; the next have the next ones.")
@_setting("--steps", metavar="N", help="Steps of sampling.")
@_setting("--sampler", metavar="NAME", shell_complete=complete_samplers, help="How to sample.")
@_setting("--guidance", metavar="SCALE", help="How closely to keep to the prompt.")
@click.option("--negative", metavar="TEXT", help="What the pictures shall not show, by guidance.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_settings,
    help="An option or a further condition of the model; `genzoo info MODEL` lists them.",
)
@click.option(
    "--lora",
    "loras",
    multiple=True,
    type=parse_lora,
    metavar="FILE[:SCALE]",
    help="A safetensors file of low-rank changes to the weights, or hf://owner/repo/file.",
)
@click.option(
    *("-i", "--input", "inputs"),
    multiple=True,
    type=click.Path(path_type=Path),
    help="A picture to reconstruct; with --strength or --mask, to vary.",
)
@click.option(
    "--strength",
    type=float,
    help="How much of the --input is made anew: from 0, the picture itself, to 1, nothing of it.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="A picture of the --input's size, or the --input itself: what is transparent in it is "
    "made, or, where nothing is, what is white. The rest stays to the pixel.",
)
@click.option(
    "--interpolate",
    is_flag=False,
    flag_value="inputs",
    type=parse_interpolate,
    metavar="[A,B]",
    help="Walk from seed A to seed B; without them, from one --input to the other.",
)
@click.option(
    *("-o", "--output"),
    type=click.Path(),
    help="Where to: .png, .gif, .jpg, .webp, .npz, .safetensors, a folder; - is a PNG on stdout.",
)
@style_options
@click.option(
    "--shards",
    is_flag=False,
    flag_value="parquet",
    type=click.Choice(FORMS),
    help="Write -o as a folder of shards, for up to 1,000,000,000 pictures: parquet unless "
    "another form is named. The same command goes on where it was; torchrun spreads it.",
)
@click.option("--shard-size", type=int, help=f"Pictures in a shard; {SIZE:,} or more by default.")
@click.option(
    "--offload",
    type=click.Choice([mode for mode in get_args(Offload) if mode]),
    help="What waits on the CPU until --device needs it: each network, or each layer.",
)
@making_options
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make the pictures of FILE again. Downloads nothing.",
)
@preview_option
@click.pass_context
def run(
    ctx: click.Context,
    /,
    *,
    model: str | None,
    prompt_file: str | None,
    steps: tuple[str, ...],
    sampler: tuple[str, ...],
    guidance: tuple[str, ...],
    settings: tuple[str, ...],
    inputs: tuple[Path, ...],
    mask: Path | None,
    device: str | None,
    output: str | None,
    shards: Form | None,
    shard_size: int | None,
    force: bool,
    replay: Path | None,
    preview: bool | None,
    as_json: bool,
    columns: int | None,
    scale: int | None,
    parameters: bool,
    xmp: bool,
    **fields: Any,
) -> None:
    """Generate pictures with MODEL; a row for each PROMPT.

    MODEL is a name, a file, hf://owner/repo, or a folder in a format that a plugin reads.

    \b
    genzoo run vae-mnist -n 16 --seed 0 -o digits.png
    genzoo run vae-mnist --interpolate 3,8
    genzoo run vae-mnist --input digit.png
    genzoo run flow-emoji "a red heart" --input cat.png --strength 0.6 -n 8
    genzoo run flow-mnist 7 --input digit.png --mask mask.png
    genzoo run vae-mnist -n 1000000 -o out/ --shards
    genzoo run --replay digits.png -o again.png
    """
    from genzoo.run.bulk.job import Rows
    from genzoo.run.prompts import open_prompts, rows_as_fields
    from genzoo.run.replay import plan_replay
    from genzoo_core.picture_files import decode, read_content

    zoo: Zoo = ctx.obj
    begin = time.monotonic()
    if replay is not None:
        ctx.with_resource(no_downloads())
    prompts = open_prompts(prompt_file, fields["prompts"])
    options = gather([*settings, *steps, *sampler, *guidance])
    if shards is not None:
        if force or preview or replay is not None:
            raise UsageError("--shards goes with neither --force, --preview nor --replay")
        check_style(ctx, "a shard")
        shape = Shards(shards, shard_size, output or "")
        fields |= {"inputs": inputs, "mask": mask, "device": device}
        name = named(ctx, model)
        run_shards(zoo, name, options, fields, shape, prompts, as_json=as_json, begin=begin)
        return
    if shard_size is not None:
        raise UsageError("--shard-size goes with --shards", "add that")
    destination = destination_of(ctx, output, force=force, as_json=as_json)
    again = None
    if replay is not None:
        if prompts or options or any(value not in (None, (), "") for value in fields.values()):
            raise UsageError(
                "--replay takes its settings from the file",
                "leave out all but -o and how it is written, --force, --device, --preview and "
                "--json, and MODEL, --input and --mask where these have moved",
            )
        again = plan_replay(replay, zoo, model=model, inputs=inputs, mask=mask, device=device)
        destination = again.like(destination)
        for note in again.notes:
            to_stderr(f"Warning: {note}")
        plan = again.plan
    else:
        if prompts is not None:
            fields |= rows_as_fields(prompts)
        fields |= {"inputs": inputs, "mask": mask, "device": device}
        name = named(ctx, model)
        for path in inputs:  # before the model says that it takes none
            decode(read_content(path), str(path))
        try:
            plan = zoo.plan(request_from(name, options, **fields))
        except UsageError:
            if prompts is not None:  # which may be to blame, and then say in which row
                Rows(prompts).check(zoo.open(name), 1)
            raise
        _say_apart(plan, ctx.params["prompts"])
    carry_out(plan, destination, zoo, again, preview=preview, as_json=as_json, begin=begin)


def _say_apart(plan: Plan, words: Sequence[str]) -> None:
    """Say at a terminal that words without quotes are a prompt each, where these are free text."""
    from genzoo_core.conditioner import conditioners_of

    reader = next(iter(conditioners_of(plan.opened.module).values()), None)
    apart = len(words) > 1 and not any(" " in word for word in words)
    if apart and reader and not reader.categories and sys.stderr.isatty():
        to_stderr(f"{len(words)} prompts, a row each; as one: {quote(' '.join(words))}")


def named(ctx: click.Context, model: str | None) -> str:
    """The model that was named.

    Raises:
        UsageError: None was. Or there is none of that name, which may be meant as a prompt: of the
            user's default model, or of the model that comes after it.
    """
    if model is None:
        hint = "`genzoo list` shows those there are, `genzoo config set model NAME` makes one yours"
        raise UsageError("no model was named", hint)
    names = choices(ctx.obj.models())
    if model in names or has_scheme(model) or "/" in model:
        return model
    try:
        ctx.obj.find(model)
    except UsageError as error:
        hints, own = [error.hint], settings_of(ctx).get("model")
        if other := next((word for word in ctx.params["prompts"] if word in names), None):
            hints = [f"the model comes first: `genzoo run {other} {quote(model)}`"]
        elif own is not None and own.value != model:
            hints += [
                f"for a prompt of your default model: `genzoo run {own.value} {quote(model)}`"
            ]
        raise UsageError(error.message, "; ".join(filter(None, hints))) from error
    return model
