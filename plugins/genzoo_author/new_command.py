"""The `genzoo new` command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from string import Template

import click

from genzoo_author.kinds import KINDS
from genzoo_author.naming import check_free, names_of
from genzoo_author.rendering import LICENCES, render, write_folder
from genzoo_core.errors import UsageError
from genzoo_core.zoo import Zoo

BY_NAME = {kind.name: kind for kind in KINDS}
LONGEST_AUTHOR = 200
INSTALL = "install it as it lies here, so that genzoo finds it, with what its tests need"


@click.command()
@click.argument("name")
@click.option(
    "--kind",
    "wanted",
    type=click.Choice(list(BY_NAME)),
    multiple=True,
    metavar="KIND",
    help=f"What it brings: {', '.join(BY_NAME)}. Can be repeated.  [default: model]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the plugin: a new or an empty one.  [default: NAME]",
)
@click.option("--author", default="", help="Author of the plugin.")
@click.option(
    "--license",
    "licence",
    type=click.Choice(LICENCES),
    default=LICENCES[0],
    show_default=True,
    help="Licence of the plugin's code.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def new(
    context: click.Context,
    *,
    name: str,
    wanted: tuple[str, ...],
    out: Path | None,
    author: str,
    licence: str,
    as_json: bool,
) -> None:
    """Begin a plugin: a package that can be installed, with something in it that works.

    NAME is the name of its distribution. Prints the commands to go on with.

    \b
    genzoo new my-plugin
    genzoo new genzoo-acme --kind sampler --kind command --author "Ada Lovelace"
    """
    names = names_of(name)
    if not author.isprintable() or len(author) > LONGEST_AUTHOR:
        hint = f"give one line of at most {LONGEST_AUTHOR} characters"
        raise UsageError("--author is not a name", hint)
    folder = out or Path(names.distribution)
    check_free(names, _taken(context, context.obj))
    kinds = [kind for kind in KINDS if kind.name in (wanted or ("model",))]
    files = render(names, kinds, author=author.strip(), licence=licence)
    write_folder(folder, files)

    own = [step for kind in kinds for step in kind.steps]
    steps = {f"cd {shlex.quote(str(folder))}": "", "pip install -e '.[dev]'": INSTALL, **dict(own)}
    steps["python -m pytest"] = "check it, as `genzoo check` does, and what else it has tests for"
    commands = [Template(command).substitute(vars(names)) for command in steps]
    if as_json:
        click.echo(json.dumps({"path": str(folder), "files": sorted(files), "next": commands}))
        return
    click.echo(f"wrote {folder} with {len(files)} files; go on with", err=True)
    for command, what in zip(commands, steps.values(), strict=True):
        click.echo(f"# {what}\n{command}" if what else command)


def _taken(context: click.Context, zoo: Zoo) -> set[str]:
    """Names of plugins, models, components and commands."""
    root = context.find_root()
    commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    taken = set(commands)
    for plugin in zoo.plugins():
        taken.add(plugin.name)
        if (manifest := plugin.manifest) is not None:
            taken.update(entry.name for entry in manifest.components)
            taken.update(entry.name for entry in manifest.formats)
            for card in manifest.models:
                taken.update((card.name, *card.aliases))
    return taken
