"""A user's defaults: what `config.toml` says of options that a command line leaves out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import click
import msgspec

from genzoo.files.folders import config_folder
from genzoo.text import brief, quoted
from genzoo_core.config import Config
from genzoo_core.errors import ConfigError, UsageError, did_you_mean

KEY = "genzoo.settings"

Model = Annotated[str, msgspec.Meta(min_length=1, description="a model's name, file or folder")]
Folder = Annotated[
    str, msgspec.Meta(pattern=r"^[/~]|^[A-Za-z]:", description="an absolute path, or one from ~")
]
Device = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(auto|cpu|mps|cuda(:\d{1,3})?)\Z", description="auto, cpu, cuda, cuda:1 or mps"
    ),
]


class Settings(Config, omit_defaults=True):
    """What may stand in `config.toml`.

    Attributes:
        model: What `genzoo run` takes where no model is named.
        output: The folder for pictures and latents that have no `-o`.
        device: Where commands with `--device` compute.
        scale: How many times grids and GIFs are enlarged.
        parameters: Whether pictures carry their settings as AUTOMATIC1111 writes them.
        xmp: Whether pictures say in XMP that a trained model made them.
    """

    model: Model | None = None
    output: Folder | None = None
    device: Device | None = None
    scale: Annotated[int, msgspec.Meta(ge=1)] | None = None
    parameters: bool | None = None
    xmp: bool | None = None


OPTIONS = ("model", "device", "scale", "parameters", "xmp")
"""Settings that stand for an option `--NAME`, or an argument NAME that may be left out, of
whatever command has one."""


class Chosen(NamedTuple):
    """The value of a setting, and what says so: the file or a variable."""

    value: Any
    source: str


def settings_file() -> Path:
    """The user's `config.toml`, which need not be there."""
    return config_folder() / "config.toml"


def variable(name: str) -> str:
    """The variable of the environment that goes before a setting in the file."""
    return f"GENZOO_{name.upper()}"


def read_settings() -> dict[str, Chosen]:
    """What the environment says, and what the file says of the rest, by name.

    Raises:
        ConfigError: A key or a value is wrong, or the file is no TOML; says what can be there.
    """
    file = settings_file()
    chosen = {name: Chosen(check(name, value, file), str(file)) for name, value in _in(file)}
    for name in Settings.__struct_fields__:
        if text := os.environ.get(variable(name)):
            chosen[name] = Chosen(check(name, text, variable(name), strict=False), variable(name))
    return chosen


def _in(file: Path) -> Iterable[tuple[str, object]]:
    if not os.path.lexists(file):
        return ()
    from genzoo.files.strict_toml import read_toml  # no command without such a file needs it

    try:
        return read_toml(file).items()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{file} is no TOML: {brief(error)}", 'a line of it is such as model = "flow-mnist"'
        ) from error


def check(name: str, value: object, where: object, *, strict: bool = True) -> Any:
    """The value of a setting that `where` gives; text stands for a number unless `strict`."""
    from genzoo.run.option_list import describe

    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if name not in fields:
        hints = (f"known: {', '.join(fields)}", did_you_mean(name, fields))
        raise ConfigError(f"{where}: no setting {quoted(name)}", "; ".join(filter(None, hints)))
    try:
        if value is None:  # which would be a setting that is not there
            raise ValueError
        return msgspec.convert(value, fields[name], strict=strict)
    except ValueError:
        message = f"{where}: {name} is {quoted(value)}; give {describe(fields[name])}"
        raise ConfigError(message) from None


def settings_of(ctx: click.Context) -> Mapping[str, Chosen]:
    """The settings of this command line, read once."""
    meta: dict[str, Any] = ctx.meta
    if KEY not in meta:
        meta[KEY] = read_settings()
    return cast(Mapping[str, Chosen], meta[KEY])


def defaults(ctx: click.Context, command: click.Command, words: Iterable[str]) -> dict[str, Any]:
    """What settings say of the parameters of a command that is called with these words.

    A replay takes nothing from them: the file that is replayed says it all.
    """
    wanted = {each.name: name for each in command.params for name in OPTIONS if _takes(each, name)}
    if not wanted or any(word.partition("=")[0] == "--replay" for word in words):
        return {}
    chosen = settings_of(ctx)
    return {to: chosen[name].value for to, name in wanted.items() if to and name in chosen}


def _takes(parameter: click.Parameter, name: str) -> bool:
    if isinstance(parameter, click.Argument):
        return parameter.name == name and not parameter.required
    return f"--{name}" in parameter.opts


def output_folder(ctx: click.Context) -> Path:
    """Where files go that have no `-o`: the folder of the settings, which is made, or this one."""
    chosen = settings_of(ctx).get("output")
    if chosen is None:
        return Path()
    try:
        folder = Path(chosen.value).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        text = f"{chosen.source}: the output folder {chosen.value} cannot be made: {why}"
        raise UsageError(text, "give another with -o") from error
    return folder
