"""`genzoo config`: a user's defaults, shown and set."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of, complete_models
from genzoo.cli.settings import Settings, check, read_settings, settings_file, variable
from genzoo.cli.table import write_table
from genzoo.text import brief, quoted
from genzoo_core.devices import complete_device
from genzoo_core.errors import ConfigError, GenzooError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem
    from tomlkit import TOMLDocument


def _complete_keys(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(n) for n in Settings.__struct_fields__ if n.startswith(incomplete)]


def _complete_value(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    match ctx.params.get("key"):
        case "model":
            return complete_models(ctx, parameter, incomplete)
        case "device":
            return list(map(CompletionItem, complete_device(ctx, parameter, incomplete)))
        case "output":
            return [CompletionItem(incomplete, type="dir")]
        case "parameters" | "xmp":
            return [
                CompletionItem(each) for each in ("true", "false") if each.startswith(incomplete)
            ]
    return []


@click.group("config", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def config(ctx: click.Context, *, as_json: bool) -> None:
    """Show your defaults: what options mean that a command line leaves out.

    \b
    model   what `genzoo run` takes without words; a prompt needs a model before it
    output  the folder for pictures and latents that have no -o
    device  where commands with --device compute: auto, cpu, cuda, mps
    scale   how many times grids and GIFs are enlarged
    parameters, xmp
            whether pictures carry what other programs read: true or false

    They stand in config.toml in the folder that GENZOO_CONFIG names, or in your platform's. The
    variables GENZOO_MODEL, GENZOO_OUTPUT, GENZOO_DEVICE and so on go before the file, and the
    command line before both. A replay takes nothing from them.

    \b
    genzoo config set model flow-mnist
    genzoo config unset model
    """
    if ctx.invoked_subcommand is not None:
        return
    chosen, file = read_settings(), settings_file()
    if as_json:
        found = {name: each._asdict() for name, each in chosen.items()}
        click.echo(json.dumps({"file": str(file), "settings": found}, indent=2))
        return
    click.echo(f"{file}{'' if file.exists() else ' is not there: nothing is set in it'}")
    there = ((name, chosen[name]) for name in Settings.__struct_fields__ if name in chosen)
    rows = [
        [name, str(each.value), "file" if each.source == str(file) else each.source]
        for name, each in there
    ]
    if rows:
        click.echo()
        write_table(["setting", "value", "from"], rows)


@config.command("set")
@click.argument("key", shell_complete=_complete_keys)
@click.argument("value", shell_complete=_complete_value)
@click.pass_context
def set_(ctx: click.Context, *, key: str, value: str) -> None:
    """Set a default.

    \b
    genzoo config set model flow-mnist
    genzoo config set output ~/pictures
    genzoo config set device auto
    """
    if key == "output" and value and not value.startswith("~"):
        value = os.path.abspath(value)  # so that it means the same from every folder
    try:
        checked = check(key, value, "genzoo config set", strict=False)
    except ConfigError as error:
        raise UsageError(error.message, error.hint) from error
    if key == "model":
        checked = _model(ctx, checked)
    with _editing() as document:
        document[key] = checked
    click.echo(f"{key} = {checked}  ({settings_file()})", err=True)


def _model(ctx: click.Context, reference: str) -> str:
    """A model that is there, as it is called from every folder."""
    from genzoo.models.find import find
    from genzoo.models.weights import has_scheme

    if has_scheme(reference):  # nothing is fetched for it
        return reference
    found = find(catalogue_of(ctx), reference)
    from genzoo_core.plugin import Model

    return reference if isinstance(found, Model) else os.path.abspath(reference)


@config.command()
@click.argument("key", shell_complete=_complete_keys)
def unset(*, key: str) -> None:
    """Take a default out of the file."""
    with _editing() as document:
        if key not in document:  # a wrong one that is there can go, too
            there = f"there is {', '.join(map(str, document))}" if document else "there is none"
            raise UsageError(f"{settings_file()} sets no {quoted(key)}", there)
        del document[key]
    click.echo(f"{key} is not set any more  ({settings_file()})", err=True)
    if os.environ.get(variable(key)):
        click.echo(f"{variable(key)} still says it", err=True)


@contextmanager
def _editing() -> Iterator[TOMLDocument]:
    """The content of the file, written anew at the end of the block; its comments stay."""
    import tomlkit
    from filelock import FileLock

    from genzoo.files.strict_toml import read_toml
    from genzoo_core.atomic import write_atomically

    file = settings_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            if os.path.lexists(file):
                read_toml(file)  # refuses what would take long
            document = tomlkit.parse(_text(file))
            yield document
            write_atomically(file, tomlkit.dumps(document).encode())
    except OSError as error:
        raise GenzooError(
            f"{file} cannot be written: {error.strerror or error}", "GENZOO_CONFIG names its folder"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is no TOML: {brief(error)}", "repair it") from error


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
