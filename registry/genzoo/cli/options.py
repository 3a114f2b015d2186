"""Arguments that several commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_models(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """Names of models, and files, that begin with `incomplete`: a `shell_complete` callback."""
    from click.shell_completion import CompletionItem

    bare = incomplete.rpartition("/")[2]
    rows = catalogue_of(ctx).rows_with(f'"{bare}')
    names = [row.full_name if "/" in incomplete else row.shown for row in rows]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]
