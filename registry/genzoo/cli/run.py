"""`genzoo run`."""

from __future__ import annotations

import os
import time
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.options import (
    complete_models,
    complete_samplers,
    complete_settings,
    device_option,
    offload_option,
    precision_option,
    variant_option,
)
from genzoo.cli.passing import Passing
from genzoo.cli.reporting import (
    ProgressBar,
    message,
    preview_is_wanted,
    print_result,
    show_preview,
)
from genzoo.cli.settings import gather, parse_interpolate, parse_lora
from genzoo.cli.signals import finishing
from genzoo.plugins.guard import stdout_to_stderr
from genzoo.run.outputs.destination import Destination, choose, write
from genzoo_core.downloads import no_downloads
from genzoo_core.errors import UsageError
from genzoo_core.request import BATCH, Input, Offload, Precision, Request

if TYPE_CHECKING:
    from genzoo.run.replay import Replay
    from genzoo.run.tasks.task import Plan
    from genzoo.zoo import Zoo


class RunCommand(click.Command):
    """A command whose prompts may be negative numbers: `genzoo run MODEL -1`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take unknown options for prompts, then refuse those that are no numbers."""
        words = set(takewhile(lambda word: word != "--", args))
        rest = super().parse_args(ctx, args)
        for word in (ctx.params["model"], *ctx.params["prompts"]):
            if word in words and word.startswith("-") and not _is_number(word):
                name = word.partition("=")[0]
                options = [option for parameter in self.params for option in parameter.opts]
                near = get_close_matches(name, [option for option in options if option[0] == "-"])
                raise click.NoSuchOption(name, possibilities=near, ctx=ctx)
        return rest


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@click.command("run", cls=RunCommand, context_settings={"ignore_unknown_options": True})
@click.argument("model", required=False, shell_complete=complete_models)
@click.argument("prompts", nargs=-1, metavar="[PROMPT]...")
@click.option("-n", type=int, help="Pictures per prompt, or steps of a walk.")
@click.option("--seed", type=int, help="Seed of the first picture; the next have the next ones.")
@click.option("--steps", multiple=True, metavar="N", help="Steps of sampling.")
@click.option(
    "--sampler",
    multiple=True,
    metavar="NAME",
    help="How to sample.",
    shell_complete=complete_samplers,
)
@click.option(
    "--guidance", multiple=True, metavar="SCALE", help="How closely to keep to the prompt."
)
@click.option("--negative", metavar="TEXT", help="What the pictures shall not be, by guidance.")
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
    metavar="FILE[:SCALE]",
    help="A safetensors file of low-rank changes to the weights, or hf://owner/repo/file.",
)
@click.option(
    "-i",
    "--input",
    "inputs",
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
    metavar="[A,B]",
    help="Walk from seed A to seed B; without them, from one --input to the other.",
)
@click.option(
    "-o",
    "--output",
    help="Where to: .png, .gif, .npz, .safetensors or a folder.",
    type=click.Path(),
)
@click.option("-f", "--force", is_flag=True, help="Replace what exists.")
@variant_option
@device_option
@offload_option
@precision_option
@click.option("--threads", type=int, help="CPU threads.")
@click.option("--batch", type=int, help=f"Pictures made at a time; {BATCH} unless given.")
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Make the pictures of FILE again. Downloads nothing.",
)
@click.option("--preview/--no-preview", default=None, help="Show the pictures in the terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def run(
    ctx: click.Context,
    *,
    model: str | None,
    prompts: tuple[str, ...],
    n: int | None,
    seed: int | None,
    steps: tuple[str, ...],
    sampler: tuple[str, ...],
    guidance: tuple[str, ...],
    negative: str | None,
    settings: tuple[str, ...],
    loras: tuple[str, ...],
    inputs: tuple[Path, ...],
    strength: float | None,
    mask: Path | None,
    interpolate: str | None,
    output: str | None,
    force: bool,
    variant: str,
    device: str | None,
    offload: Offload | None,
    precision: Precision | None,
    threads: int | None,
    batch: int | None,
    replay: Path | None,
    preview: bool | None,
    as_json: bool,
) -> None:
    """Make pictures with MODEL; a row for each PROMPT.

    MODEL is a name, a file, hf://owner/repo, or a folder in a format that a plugin reads.

    \b
    genzoo run vae-mnist -n 16 --seed 0 -o digits.png
    genzoo run vae-mnist --interpolate 3,8
    genzoo run vae-mnist --input digit.png
    genzoo run flow-emoji "a red heart" --input cat.png --strength 0.6 -n 8
    genzoo run flow-mnist 7 --input digit.png --mask mask.png
    genzoo run --replay digits.png -o again.png
    """
    zoo: Zoo = ctx.obj
    begin = time.monotonic()
    if replay is not None:
        ctx.with_resource(no_downloads())
    chosen = gather(settings, {"steps": steps, "sampler": sampler, "guidance": guidance})
    walk = None if interpolate is None else parse_interpolate(interpolate)
    destination = choose(output, force=force, catalogue=zoo.catalogue)
    again: Replay | None = None
    if replay is None:
        if model is None:
            raise UsageError("no model was named", "`genzoo list` shows those there are")
        from genzoo.run.plan import plan as plan_request

        request = Request(
            model,
            prompts,
            n,
            seed,
            options=chosen,
            interpolate=walk,
            negative=negative,
            inputs=tuple(Input(str(path)) for path in inputs),
            loras=tuple(map(parse_lora, loras)),
            variant=variant,
            strength=strength,
            mask=Input(str(mask)) if mask else None,
            device=device or "cpu",
            offload=offload or "",
            precision=precision or "auto",
            threads=threads,
            batch=BATCH if batch is None else batch,
        )
        plan = plan_request(request, zoo)
    else:
        _refuse_with_replay(
            prompts,
            n,
            seed,
            chosen,
            walk,
            negative,
            strength,
            loras,
            variant,
            offload,
            precision,
            threads,
            batch,
        )
        again = _plan_again(replay, zoo, model, inputs, mask, device)
        plan = again.plan
    carry_out(plan, destination, zoo, again, preview=preview, as_json=as_json, begin=begin)


def carry_out(
    plan: Plan,
    destination: Destination,
    zoo: Zoo,
    again: Replay | None = None,
    *,
    preview: bool | None,
    as_json: bool,
    begin: float,
) -> None:
    """Make what was planned, write it, and say where it is; `begin` is when the work began."""
    previewed = preview_is_wanted(False if as_json else preview)
    path, made = _write(plan, destination, zoo, again, previewed)
    if made.interrupt is not None:
        click.echo(os.fsencode(path))
        raise made.interrupt
    assert made.record is not None  # what was not interrupted has pictures
    if previewed:
        from genzoo.run.make import join

        show_preview(join(made.first))
    seconds = round(time.monotonic() - begin, 3)
    first, last = made.record.pictures or (0, plan.count)
    seeds = tuple(plan.seeds[first:last]) if as_json else ()
    print_result(made.record, path, as_json, seeds=seeds, seconds=seconds)


def _plan_again(
    path: Path,
    zoo: Zoo,
    model: str | None,
    inputs: tuple[Path, ...],
    mask: Path | None,
    device: str | None,
) -> Replay:
    from genzoo.run.replay import plan_replay

    again = plan_replay(path, zoo, model=model, inputs=inputs, mask=mask, device=device)
    for note in again.notes:
        message(f"Warning: {note}")
    return again


def _refuse_with_replay(*settings: Any) -> None:
    if any(value not in (None, (), {}, "") for value in settings):
        raise UsageError(
            "--replay takes its settings from the file",
            "leave out all but -o, --force, --device, --preview and --json, and MODEL, --input "
            "and --mask where these have moved",
        )


def _write(
    plan: Plan, destination: Destination, zoo: Zoo, again: Replay | None, preview: bool
) -> tuple[Path, Passing]:
    """Make the pictures, and write them as they come; of an interrupted run, what is finished."""
    from genzoo.run.make import check_memory, make_batches
    from genzoo.run.outputs.layout import check_grid
    from genzoo.run.replay import verify

    if destination.format in ("png", "gif"):
        check_grid(plan)
    elif destination.format == "plugin":
        check_memory(plan)
    plan.task.check_options(plan)
    for note in plan.notes:
        message(note)
    message(f"{plan.opened.name}: {plan.task.summary(plan.seeds)}")
    with ProgressBar(plan.opened.name) as bar, stdout_to_stderr(), finishing() as signals:
        batches = make_batches(
            plan,
            zoo,
            keep_frames=destination.format in ("gif", "plugin"),
            on_progress=bar.update if bar.visible else None,
            on_message=message,
        )
        if again is not None:
            batches = verify(again, batches, message)
        made = Passing(batches, signals, preview=preview)
        try:
            path = write(destination, made, zoo)
        except UsageError:
            if made.interrupt is not None:  # an animation may have no frame yet
                raise made.interrupt from None
            raise
    if made.interrupt is not None:
        assert made.record is not None
        first, last = made.record.pictures or (0, plan.count)
        message(f"interrupted: kept {last - first} of {plan.count}")
    return path, made
