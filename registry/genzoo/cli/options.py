"""Arguments that several commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from genzoo.cli.context import catalogue_of
from genzoo.text import printable
from genzoo_core.request import Offload, Precision

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from genzoo.cli.look import Look


variant_option = click.option(
    "--variant",
    default="",
    metavar="NAME",
    help="Which files of weights to read where a folder has several: fp16.",
)


device_option = click.option(
    "--device",
    metavar="NAME",
    help="Where to compute: cpu, cuda, mps or auto; cpu unless given.",
)

offload_option = click.option(
    "--offload",
    type=click.Choice([mode for mode in get_args(Offload) if mode]),
    help="What waits on the CPU until --device needs it: each network, or each layer.",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    help="What the networks compute in; auto unless given: the model's own, fp32 of genzoo's.",
)


def complete_models(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """Names of models, and files, that begin with `incomplete`: a `shell_complete` callback."""
    from click.shell_completion import CompletionItem

    catalogue = catalogue_of(ctx)
    full = "/" in incomplete
    names = [model.name if full else catalogue.short_name(model) for model in catalogue.models]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_samplers(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """Names of samplers that begin with `incomplete`."""
    from click.shell_completion import CompletionItem

    from genzoo.models.components import components_of

    found = components_of(catalogue_of(ctx), "sampler").items()
    return [
        CompletionItem(name, help=printable(each.entry.summary))
        for name, each in found
        if name.startswith(incomplete)
    ]


def complete_settings(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """What `--set` takes of the model that is named; after KEY=, its values where they are few."""
    from click.shell_completion import CompletionItem

    about = _look(ctx)
    if about is None:
        return []
    words = {f"{option.name}=": printable(option.type) for option in about.options}
    conditioners = list(about.spec.conditioners) if about.spec else []
    words |= {f"{name}=": "a condition" for name in conditioners[1:]}
    if "=" in incomplete:
        words = {
            f"{option.name}={value}": "" for option in about.options for value in option.choices
        }
    return [CompletionItem(word, help=words[word]) for word in words if word.startswith(incomplete)]


def _look(ctx: click.Context) -> Look | None:
    """What is known of the model that the command line names.

    Nothing is fetched for it, and no format of others imported.
    """
    from genzoo.cli.look import look
    from genzoo.models.find import find, has_scheme
    from genzoo.models.formats import ModelFolder
    from genzoo_core.downloads import no_downloads

    # Where the last word is an option that waits for its value, click leaves the arguments unread.
    model = ctx.params.get("model") or next(iter(ctx.args), None)
    if not model or has_scheme(model):
        return None
    catalogue = catalogue_of(ctx)
    with no_downloads():  # nor asked for: one of the user's own list may lie elsewhere
        return None if isinstance(find(catalogue, model), ModelFolder) else look(catalogue, model)
