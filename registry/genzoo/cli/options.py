"""Arguments that several commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from genzoo.models.describing import Description


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


def complete_samplers(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """Names of samplers that begin with `incomplete`."""
    from click.shell_completion import CompletionItem

    from genzoo.models.building import component_rows

    rows = component_rows(catalogue_of(ctx), "sampler")
    found = [(name, row.summary) for name, row in rows.items() if name.startswith(incomplete)]
    return [CompletionItem(name, help=summary) for name, summary in found]


def complete_settings(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """What `--set` takes of the model that is named; after KEY=, its values where they are few."""
    from click.shell_completion import CompletionItem

    description = _described(ctx)
    if description is None:
        return []
    words = {f"{option.name}=": option.type for option in description.options}
    conditioners = list(description.spec.conditioners) if description.spec else []
    words |= {f"{name}=": "a condition" for name in conditioners[1:]}
    if "=" in incomplete:
        words = {
            f"{option.name}={value}": ""
            for option in description.options
            for value in option.choices
        }
    return [CompletionItem(word, help=words[word]) for word in words if word.startswith(incomplete)]


def _described(ctx: click.Context) -> Description | None:
    """What is known of the model that the command line names; nothing is fetched for it."""
    from pathlib import Path

    from genzoo.models.describing import describe_file, describe_model
    from genzoo.models.sources import has_scheme, is_path
    from genzoo_core.weights import WeightsFile

    catalogue = catalogue_of(ctx)
    # Where the last word is an option that waits for its value, click leaves the arguments unread.
    model = ctx.params.get("model") or next(iter(ctx.args), None)
    if not model or has_scheme(model):
        return None
    if is_path(model):
        return describe_file(catalogue, WeightsFile(Path(model)))
    return describe_model(catalogue, catalogue.find_model(model))
