"""What is installed, for the command that is invoked."""

from __future__ import annotations

from typing import Any, cast

import click

from genzoo.plugins.catalogue import Catalogue

KEY = "genzoo.catalogue"


def catalogue_of(ctx: click.Context) -> Catalogue:
    """The catalogue that `--no-plugins` and the environment ask for, opened once."""
    meta: dict[str, Any] = ctx.meta
    if KEY not in meta:
        no_plugins = bool(ctx.find_root().params.get("no_plugins"))
        meta[KEY] = Catalogue.open(no_plugins=no_plugins)
    return cast(Catalogue, meta[KEY])
