"""Completing a model's name after a command, without importing that command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.cli.options import complete_models

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class ModelCommand(click.Command):
    """Stands for a command whose first argument is a model, while that word is typed.

    Args:
        name: The command's name.
        group: Where the command itself is found, for its options.
    """

    def __init__(self, name: str, group: click.Group) -> None:
        super().__init__(name)
        self._group = group

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Models that begin with `incomplete`; the command's options for a dash."""
        if not incomplete.startswith("-"):
            return complete_models(ctx, None, incomplete)
        assert self.name is not None
        command = self._group.get_command(ctx, self.name)
        return [] if command is None else command.shell_complete(ctx, incomplete)
