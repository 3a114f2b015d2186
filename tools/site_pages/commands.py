"""The reference of the command line: the help of each command, as the command itself gives it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from genzoo.cli.frame import genzoo
from genzoo.cli.group import KEY
from genzoo.plugins.catalogue import Catalogue

HEAD = """\
# Commands

`genzoo COMMAND --help` prints the same. Commands of other plugins join these.
"""


def page() -> str:
    """All commands, those of genzoo's own plugins among them."""
    root = click.Context(genzoo, info_name="genzoo", terminal_width=80, **genzoo.context_settings)
    root.meta[KEY] = Catalogue.open(no_plugins=True)
    return "\n".join([HEAD, *_sections(root)])


def _sections(ctx: click.Context, level: int = 2) -> Iterator[str]:
    """The help of a command and of those below it, under their names."""
    yield f"{'#' * level} {ctx.command_path}\n\n```text\n{ctx.get_help()}\n```\n"
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            command = ctx.command.get_command(ctx, name)
            assert command is not None
            if not command.hidden:
                below = click.Context(command, parent=ctx, info_name=name, terminal_width=80)
                yield from _sections(below, level if ctx.parent is None else level + 1)
