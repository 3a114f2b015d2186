"""Options that several commands share: what they are, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import click
from click.core import ParameterSource

from genzoo.cli.completing import complete_prompts, complete_settings
from genzoo.cli.group import variant_option
from genzoo.text import quoted
from genzoo_core.devices import complete_device
from genzoo_core.errors import UsageError
from genzoo_core.request import BATCH, Lora, Precision, Request

if TYPE_CHECKING:
    from genzoo.run.outputs.style import Style

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
Option = Callable[[CommandT], CommandT]


def _together(*options: Option[Any]) -> Option[Any]:
    def decorate(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


making_options = _together(
    click.option("-f", "--force", is_flag=True, help="Replace what exists."),
    variant_option,
    click.option(
        "--device",
        metavar="NAME",
        shell_complete=complete_device,
        help="cpu (the default), cuda, mps or auto.",
    ),
    click.option(
        "--precision",
        type=click.Choice(get_args(Precision)),
        help="What the networks compute in. By default the model's own: fp32 of genzoo's.",
    ),
    click.option(
        "--compile",
        is_flag=True,
        default=None,
        help="Compile the networks first, which takes up to minutes: for long runs.",
    ),
    click.option("--threads", type=int, help="CPU threads."),
    click.option("--batch", type=int, help=f"Pictures at a time; {BATCH} by default."),
    click.option("--json", "as_json", is_flag=True, help="Print a JSON object."),
)
"""Of `run`, `encode` and `decode`."""

condition_options = _together(
    click.option(
        *("--prompt", "prompts"),
        multiple=True,
        shell_complete=complete_prompts,
        help="What the pictures show.",
    ),
    click.option(
        *("--set", "settings"),
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=complete_settings,
        help="A further condition.",
    ),
)
"""Of `encode` and `decode`."""

style_options = _together(
    click.option("--columns", type=int, metavar="N", help="Pictures in a row of a grid."),
    click.option(
        "--scale",
        type=int,
        metavar="N",
        help="Enlarge N times.  [default: grids and GIFs to about 512 pixels; single pictures not]",
    ),
    click.option(
        "--parameters/--no-parameters",
        default=True,
        help="Whether pictures carry their settings as AUTOMATIC1111 writes them.",
    ),
    click.option(
        "--xmp/--no-xmp",
        default=True,
        help="Whether pictures say in XMP that a trained model made them.",
    ),
)
"""Of `run` and `decode`: the fields of a `Style`."""

preview_option = click.option(
    "--preview/--no-preview", default=None, help="Show the pictures in the terminal."
)


def style_from(ctx: click.Context) -> Style:
    """What a command's options say of how pictures are written."""
    from genzoo.run.outputs.style import Style

    for name in ("columns", "scale"):
        if (number := ctx.params[name]) is not None and number < 1:
            raise UsageError(f"--{name} is {quoted(number)}; give a number of at least 1")
    names = ("columns", "scale", "parameters", "xmp")
    return Style(**{name: ctx.params[name] for name in names})


def check_style(ctx: click.Context, format_: str) -> None:
    """Refuse `--columns` and `--scale` where each picture is apart, unless they are defaults."""
    for name in ("columns", "scale"):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name} is for pictures in one, and {format_} keeps them apart as they are",
                "leave it out, or write a .png",
            )


def request_from(model: str, options: dict[str, str], **fields: Any) -> Request:
    """A request; its fields that are None have their defaults."""
    from genzoo.run.request import request_of

    there = {name: value for name, value in fields.items() if value is not None}
    return request_of(model, options=options, **there)


def gather(settings: Iterable[str]) -> dict[str, str]:
    """Settings of the form KEY=VALUE by name; one may not be there twice."""
    gathered: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {quoted(text)} is not of the form KEY=VALUE")
        if name in gathered:
            raise UsageError(f"{name} is set twice: {quoted(gathered[name])} and {quoted(value)}")
        gathered[name] = value
    return gathered


def parse_interpolate(text: str) -> tuple[int, int] | Literal["inputs"]:
    """The two seeds of "3,8"; "inputs" as it is."""
    if text == "inputs":
        return "inputs"
    try:
        start, end = map(int, text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--interpolate {quoted(text)} is not two seeds", "give them as in --interpolate 3,8"
        ) from error
    return start, end


def parse_lora(text: str) -> Lora:
    """The file, or reference, and the scale of "style.safetensors:0.8"; 1 without one."""
    path, _, scale = text.rpartition(":")
    try:
        return Lora(path, float(scale)) if path else Lora(text)
    except ValueError:
        return Lora(text)
