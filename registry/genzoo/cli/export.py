"""`genzoo export`: a model as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo.cli.group import complete_models, variant_option
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from genzoo.zoo import Zoo


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option(
    *("-o", "--output"),
    required=True,
    type=click.Path(),
    help="The .safetensors file to write.",
)
@click.option("--whole", is_flag=True, help="Put shared parts into the file, so it needs no other.")
@variant_option
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.pass_obj
def export(
    zoo: Zoo, model: str, *, output: str, whole: bool, variant: str, force: bool, as_json: bool
) -> None:
    """Write MODEL, a name, a model file or a folder in a known format, to one file.

    `genzoo run FILE` makes pictures with it wherever the plugins of its components are. What other
    programs have added to the header of a model file, such as `modelspec.title`, is left out.
    """
    from genzoo.files.shards import SUFFIX
    from genzoo.run.outputs.destination import check_file, writing

    path = Path(output)
    if path.suffix != SUFFIX:
        raise UsageError(f"cannot export to {output}", f"give a name that ends in {SUFFIX}")
    check_file(path, force)
    found = zoo.find(model, variant)  # before torch is imported
    from genzoo.models.save import export_model

    with writing(path):
        card = export_model(zoo.catalogue, found, path, whole=whole, replace=force)
    if as_json:
        import json

        from msgspec import to_builtins

        click.echo(json.dumps({"path": output, "card": to_builtins(card)}))
        return
    click.echo(f"{output}: {card.name}, {card.size:,} bytes, sha256 {card.sha256}")
