"""`genzoo search`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from genzoo_hub.commands.table import write_table
from genzoo_hub.searching import search as search_hub


@click.command("search")
@click.argument("text", required=False, default="")
@click.option("-n", "limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(text: str, *, limit: int, as_json: bool) -> None:
    """Look for models on the Hub: those tagged genzoo whose name holds TEXT.

    \b
    genzoo search mnist
    genzoo run hf://someone/vae-mnist -n 16
    """
    hits = search_hub(text, limit)
    if as_json:
        click.echo(json.dumps([asdict(hit) for hit in hits], indent=2))
        return
    if not hits:
        click.echo("No model on the Hub matches.", err=True)
        return
    rows = [
        [hit.reference, hit.license, str(hit.downloads), hit.updated, ", ".join(hit.tags)]
        for hit in hits
    ]
    write_table(["reference", "licence", "downloads", "updated", "tags"], rows)
