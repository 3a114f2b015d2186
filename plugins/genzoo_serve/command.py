"""`genzoo serve`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from genzoo_core import UsageError
from genzoo_core.devices import complete_device, find_device, slow_half
from genzoo_core.request import Precision

if TYPE_CHECKING:
    from genzoo_core import Zoo

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@click.command("serve")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 for any that is free.",
)
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path),
    help="A file with the key that clients send as a bearer token.",
)
@click.option("--no-auth", is_flag=True, help="Serve other machines without a key.")
@click.option(
    "--max-queue",
    default=256,
    show_default=True,
    type=click.IntRange(min=1),
    help="Most requests that wait or are under way; the next ones are answered with 429.",
)
@click.option("--keep", default="2G", show_default=True, help="Bytes of models that stay open.")
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    shell_complete=complete_device,
    help="cpu, cuda, mps or auto.",
)
@click.option(
    "--precision",
    default="auto",
    type=click.Choice(get_args(Precision)),
    help="What networks compute in. By default each model's own.",
)
@click.option(
    "--batch",
    default=64,
    show_default=True,
    type=click.IntRange(min=1),
    help="Most pictures made at a time.",
)
@click.option(
    "--linger",
    default=50.0,
    show_default=True,
    type=click.FloatRange(0, 10_000),
    help="Most milliseconds that a batch waits for further requests before it begins.",
)
@click.option(
    "--grace",
    default=30,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seconds that what is under way may take after SIGTERM.",
)
@click.pass_obj
def serve(
    zoo: Zoo,
    *,
    models: tuple[str, ...],
    host: str,
    port: int,
    api_key_file: Path | None,
    no_auth: bool,
    max_queue: int,
    keep: str,
    device: str,
    precision: Precision,
    batch: int,
    linger: float,
    grace: int,
) -> None:
    """Serve MODELs, or all of the list, as the OpenAI images API.

    \b
    genzoo serve
    genzoo serve flow-emoji ./sd-turbo --port 8080 --device auto
    """
    from genzoo_serve.limits import is_loopback

    key = None if api_key_file is None else _read_key(api_key_file)
    if key is None and not no_auth and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines",
            "give clients a key with --api-key-file, or say --no-auth",
        )
    from genzoo_serve.models import Models
    from genzoo_serve.server import run
    from genzoo_serve.service import Service
    from genzoo_serve.worker import Settings

    device = find_device(device)
    if slow := slow_half(device, precision):
        click.echo(slow, err=True)
    settings = Settings(device, precision, batch, linger / 1000)
    service = Service(zoo, Models(zoo, models, settings, _bytes(keep)), max_queue)
    local = key is None and not no_auth
    run(service, host=host, port=port, key=key, local=local, grace=grace)


def _read_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the key in {path}: {error}") from error
    if not key.isascii() or not key.isprintable() or not key:
        raise UsageError(f"{path} holds no key: one line of plain characters")
    return key


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise UsageError(f"--keep is {text!r}; give bytes such as 500M or 2G")
    return int(float(found[1]) * UNITS[found[2].upper()])
