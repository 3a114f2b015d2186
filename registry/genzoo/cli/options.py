"""Options that several commands share: what they are, how they are read and completed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import click
from click.core import ParameterSource

from genzoo.cli.group import catalogue_of, variant_option
from genzoo.text import printable, quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import BATCH, Lora, Precision, Request

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from genzoo.cli.info import Look
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
    click.option("--device", metavar="NAME", help="cpu (the default), cuda, mps or auto."),
    click.option(
        "--precision",
        type=click.Choice(get_args(Precision)),
        help="What the networks compute in. By default the model's own: fp32 of genzoo's.",
    ),
    click.option("--threads", type=int, help="CPU threads."),
    click.option("--batch", type=int, help=f"Pictures at a time; {BATCH} by default."),
    click.option("--json", "as_json", is_flag=True, help="Print a JSON object."),
)
"""Of `run`, `encode` and `decode`."""

condition_options = _together(
    click.option("--prompt", "prompts", multiple=True, help="What the pictures show."),
    click.option(
        *("--set", "settings"), multiple=True, metavar="KEY=VALUE", help="A further condition."
    ),
)
"""Of `encode` and `decode`."""

style_options = _together(
    click.option("--columns", type=int, metavar="N", help="Pictures in a row of a grid."),
    click.option(
        "--scale",
        type=int,
        metavar="N",
        help="Enlarge a grid or GIF N times; 1 keeps its size. By default to about 512 pixels.",
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


def complete_samplers(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from genzoo.models.components import components_of

    return [
        CompletionItem(name, help=printable(each.entry.summary))
        for name, each in components_of(catalogue_of(ctx), "sampler").items()
        if name.startswith(incomplete)
    ]


def complete_settings(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """What `--set` takes of the model that is named; after KEY=, its values where they are few."""
    from click.shell_completion import CompletionItem

    if (about := _look(ctx)) is None:
        return []
    if "=" in incomplete:
        words = {
            f"{option.name}={value}": "" for option in about.options for value in option.choices
        }
    else:
        words = {f"{option.name}=": printable(option.type) for option in about.options}
        conditioners = list(about.spec.conditioners) if about.spec else []
        words |= {f"{name}=": "a condition" for name in conditioners[1:]}
    return [CompletionItem(word, help=words[word]) for word in words if word.startswith(incomplete)]


def _look(ctx: click.Context) -> Look | None:
    """The model that the command line names.

    Nothing is fetched for it, and no format of others imported.
    """
    from genzoo.cli.info import look
    from genzoo.models.find import find
    from genzoo.models.formats import ModelFolder
    from genzoo.models.weights import has_scheme
    from genzoo_core.downloads import no_downloads

    # Where the last word is an option that waits for its value, click leaves the arguments unread.
    model = ctx.params.get("model") or next(iter(ctx.args), None)
    if not model or has_scheme(model):
        return None
    catalogue = catalogue_of(ctx)
    with no_downloads():  # one of the user's own list may lie elsewhere
        return None if isinstance(find(catalogue, model), ModelFolder) else look(catalogue, model)
