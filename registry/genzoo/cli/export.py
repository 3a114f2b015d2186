"""`genzoo export`: a model as one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of, complete_models, variant_option
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from genzoo.models.weights import Found
    from genzoo.zoo import Zoo


class _Export(click.Command):
    """Has an option for each installed format that can be written."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, help_ = super().get_params(ctx)
        names = dict.fromkeys(each.entry.writes for each in catalogue_of(ctx).formats)
        written: list[click.Parameter] = [
            click.Option(
                [f"--{name}", f"to_{name.replace('-', '_')}"],
                type=click.Path(),
                metavar="DIR",
                help=f"Write a folder for {name} instead.",
            )
            for name in names
            if name
        ]
        return [*own, *written, help_]


@click.command(cls=_Export)
@click.argument("model", shell_complete=complete_models)
@click.option(
    *("-o", "--output"),
    type=click.Path(),
    help="The .safetensors file to write.",
)
@click.option("--whole", is_flag=True, help="Put shared parts into the file, so it needs no other.")
@click.option(
    "--modelspec/--no-modelspec",
    default=True,
    help="Whether its header has the keys of ModelSpec, which other programs read.",
)
@variant_option
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.pass_obj
def export(
    zoo: Zoo,
    /,
    model: str,
    *,
    output: str | None,
    whole: bool,
    modelspec: bool,
    variant: str,
    force: bool,
    as_json: bool,
    **folders: str | None,
) -> None:
    """Write MODEL, a name, a model file or a folder in a known format, to one file.

    `genzoo run FILE` makes pictures with it wherever the plugins of its components are. Its header
    says in the keys of ModelSpec what it is, such as `modelspec.title`; what other programs have
    added to that of a model file is left out.
    """
    wanted = {name.removeprefix("to_"): path for name, path in folders.items() if path}
    if not (output or wanted):
        raise click.MissingParameter(param_hint="'-o' / '--output'", param_type="option")
    if bool(output) + len(wanted) > 1:
        raise UsageError("there are two places to write to", "name one of them")
    if not output:
        ((name, folder),) = wanted.items()
        _write_folder(zoo, zoo.find(model, variant), name.replace("_", "-"), folder, as_json)
        return
    from genzoo.files.shards import SUFFIX
    from genzoo.run.outputs.destination import check_file, writing

    path = Path(output)
    if path.suffix != SUFFIX:
        raise UsageError(f"cannot export to {output}", f"give a name that ends in {SUFFIX}")
    check_file(path, force)
    found = zoo.find(model, variant)  # before torch is imported
    from genzoo.models.save import export_model

    with writing(path):
        card = export_model(
            zoo.catalogue, found, path, whole=whole, modelspec=modelspec, replace=force
        )
    if as_json:
        from msgspec import to_builtins

        click.echo(json.dumps({"path": output, "card": to_builtins(card)}))
        return
    click.echo(f"{output}: {card.name}, {card.size:,} bytes, sha256 {card.sha256}")


def _write_folder(zoo: Zoo, found: Found, name: str, folder: str, as_json: bool) -> None:
    from genzoo.models.formats import write_folder
    from genzoo.run.outputs.destination import check_folder, writing

    path = Path(folder)
    if path.is_dir() and any(path.iterdir()):  # whose files would mix, also with --force
        raise UsageError(f"folder {path} is not empty", "choose another")
    check_folder(path, force=False)
    format_ = next(each for each in zoo.catalogue.formats if each.entry.writes == name)
    with writing(path):
        write_folder(format_, zoo.open(found), path)
    click.echo(json.dumps({"path": folder}) if as_json else folder)
