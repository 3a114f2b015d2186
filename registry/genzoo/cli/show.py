"""`genzoo show`: what a file says of how its pictures were made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from genzoo.cli import table
from genzoo.run.outputs.reading import read
from genzoo.run.outputs.record import is_single
from genzoo.text import printable
from genzoo_core.request import Record

DRAWN = ("n", "seed", "options")
"""What says how pictures are drawn: nothing that latents depend on."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(*, file: Path, as_json: bool) -> None:
    """Show what a file says of how its pictures, or latents, were made.

    FILE is a .png, .gif, .jpg, .webp, .npz or .safetensors file that genzoo wrote, whatever its
    name is. No model is opened.

    \b
    genzoo show sevens.png
    """
    provenance, _ = read(file)
    record = provenance.record
    if as_json:
        click.echo(msgspec.json.encode(record))
        return
    click.echo(printable(f"{file}: {_what(record)}"))
    layout = provenance.layout
    columns = str(layout.columns) if layout and layout.columns > 1 else ""
    enlarged = f"{layout.scale} times" if layout and layout.scale > 1 else ""
    for line in table.fields([*_facts(record), ("columns", columns), ("enlarged", enlarged)]):
        click.echo(printable(line))
    if not record.encode:
        again = f"genzoo run --replay {shlex.quote(str(file))}"
        click.echo(printable(f"`{again}` makes the same again"))


def _what(record: Record) -> str:
    """What is in the file, in a few words."""
    if record.encode:
        return "latents"
    first, last = record.pictures or (0, 0)
    if last - first == 1:
        return f"picture {first} of a run"
    if last:
        return f"pictures {first} to {last - 1} of a run"
    return "a picture" if is_single(record) else "all pictures of a run"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    """The fields of a record that are not at their defaults."""
    for name, value in msgspec.to_builtins(record).items():
        if name not in ("encode", "pictures", *(DRAWN if record.encode else ())):
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={_text(v)}" for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)
