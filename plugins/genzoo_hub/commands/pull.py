"""`genzoo pull`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Zoo
from genzoo_hub.reference import SCHEME


@click.command("pull")
@click.argument("model", metavar="MODEL|hf://OWNER/REPO[/FILE][@REVISION]")
@click.option("--variant", default="", metavar="V", help="Of a folder of others: fp16, …")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_obj
def pull(zoo: Zoo, model: str, *, variant: str, as_json: bool) -> None:
    """Fetch a model's weights into the Hub's cache, and print their sha256 and path.

    Of a repository in a format of others, what its format reads is fetched, by loading it once.

    \b
    genzoo pull hf://someone/vae-mnist
    genzoo run hf://someone/vae-mnist -n 16
    """
    if folder := _folder(zoo, model, variant):
        weights, size = folder
    else:
        weights = zoo.weights(model)
        size = weights.path.stat().st_size
    if as_json:
        found = {"path": str(weights.path), "sha256": weights.sha256}
        click.echo(json.dumps({**found, "reference": weights.reference or model, "size": size}))
        return
    click.echo(f"{weights.sha256}  {weights.path}")


def _folder(zoo: Zoo, model: str, variant: str) -> tuple[WeightsFile, int] | None:
    """A folder in a format of others, and the bytes of what was read of it; None for a file."""
    from genzoo_hub.source import find_source

    reference = model if model.startswith(SCHEME) else zoo.card(model).weights
    if not reference.startswith(SCHEME) or find_source(reference) is None:
        return None
    opened = zoo.open(model, variant=variant)
    source = find_source(opened.model.reference) if opened.model and opened.files else None
    if source is None:
        return None
    paths = {name: source.fetch(name) for name in opened.files}
    name, path = next(iter(paths.items()))
    size = sum(path.stat().st_size for path in paths.values())
    root = Path(path.parents[name.count("/")])
    return WeightsFile(root, source.reference, opened.sha256), size
