"""`genzoo pull`."""

from __future__ import annotations

import json

import click

from genzoo_core.zoo import Zoo


@click.command("pull")
@click.argument("model", metavar="MODEL|hf://OWNER/REPO[/FILE][@REVISION]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_obj
def pull(zoo: Zoo, model: str, *, as_json: bool) -> None:
    """Fetch a model's weights into the Hub's cache, and print their sha256 and path.

    \b
    genzoo pull hf://someone/vae-mnist
    genzoo run hf://someone/vae-mnist -n 16
    """
    weights = zoo.weights(model)
    reference = weights.reference or model
    if as_json:
        found = {"path": str(weights.path), "sha256": weights.sha256, "reference": reference}
        click.echo(json.dumps({**found, "size": weights.path.stat().st_size}))
        return
    click.echo(f"{weights.sha256}  {weights.path}")
