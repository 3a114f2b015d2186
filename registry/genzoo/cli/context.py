"""The commands of genzoo itself, and what is installed, for the one that is invoked."""

from __future__ import annotations

from typing import Any, cast

import click

from genzoo.plugins.catalogue import Catalogue

BUILTIN = {
    "list": ("genzoo.cli.list:list_", "Show the models that are installed."),
    "info": ("genzoo.cli.info:info", "Show what is known of a model."),
    "run": ("genzoo.cli.run:run", "Make pictures."),
    "encode": ("genzoo.cli.encode:encode", "Turn pictures into latents."),
    "decode": ("genzoo.cli.decode:decode", "Turn latents into pictures."),
    "export": ("genzoo.cli.export:export", "Write a model to one file."),
    "add": ("genzoo.cli.add:add", "Put a model into your own list."),
    "rm": ("genzoo.cli.add:rm", "Take a model out of your own list."),
    "plugins": ("genzoo.cli.plugins:plugins", "Show the plugins that are installed."),
    "doctor": ("genzoo.cli.doctor.command:doctor", "Look whether genzoo works here."),
    "completion": ("genzoo.cli.completion:completion", "Print a shell's completion script."),
}
"""Target and help line of each command of genzoo itself. Plugins cannot take these names."""

_KEY = "genzoo.catalogue"


def catalogue_of(ctx: click.Context) -> Catalogue:
    """The catalogue that `--no-plugins` and the environment ask for, opened once."""
    meta: dict[str, Any] = ctx.meta
    if _KEY not in meta:
        meta[_KEY] = Catalogue.open(no_plugins=bool(ctx.find_root().params.get("no_plugins")))
    return cast(Catalogue, meta[_KEY])
