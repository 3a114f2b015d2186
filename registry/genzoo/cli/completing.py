"""What a shell is told while somebody types: prompts, options, samplers, families. No torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from genzoo.cli.group import catalogue_of
from genzoo.text import printable
from genzoo_core.errors import GenzooError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from genzoo.cli.info import Look


def complete_samplers(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from genzoo.models.components import components_of

    rows = components_of(catalogue_of(ctx), "sampler")
    about = _look(ctx)
    choices = {o.name: o.choices for o in about.options}.get("sampler") if about else None
    return [
        CompletionItem(name, help=printable(each.entry.summary))
        for name, each in rows.items()
        if name.startswith(incomplete) and (choices is None or name in choices)
    ]


def complete_prompts(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """What the model's first conditioner takes, where its words can be counted."""
    about = _look(ctx)
    return [] if about is None else _items(_values(about, 0), incomplete)


def complete_settings(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """What `--set` takes of the model that is named; after KEY=, its values where they are few."""
    from click.shell_completion import CompletionItem

    if "=" in incomplete:
        if (about := _look(ctx)) is None:
            return []
        values = [f"{option.name}={value}" for option in about.options for value in option.choices]
        for place, name in enumerate(_conditioners(about)[1:], 1):
            values += [f"{name}={value}" for value in _values(about, place)]
        return _items(values, incomplete)
    words = {f"{name}=": what for name, what in settable(ctx).items()}
    return [CompletionItem(word, help=words[word]) for word in words if word.startswith(incomplete)]


def settable(ctx: click.Context) -> dict[str, str]:
    """What `--set` takes of the model that is named, and what that is."""
    if (about := _look(ctx)) is None:
        return {}
    options = {option.name: printable(option.type) for option in about.options}
    return options | dict.fromkeys(_conditioners(about)[1:], "a condition")


def complete_fields(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The families, kinds or conditioners of what is listed, as the option is called."""
    catalogue = catalogue_of(ctx)
    cards = [model.card for model in catalogue.models]
    kinds = {component.entry.kind for component in catalogue.components}
    words = {
        "family": {card.family for card in cards},
        "kind": {card.kind for card in cards} | kinds,
        "conditioner": {name for card in cards for name in card.conditioners},
    }
    return _items(sorted(words.get(str(parameter.name), ())), incomplete)


def _conditioners(about: Look) -> list[str]:
    return list(about.spec.conditioners) if about.spec else []


def _values(about: Look, place: int) -> list[str]:
    """What the conditioner at that place takes; none where that is any text."""
    conditioners = list(about.spec.conditioners.values()) if about.spec else []
    # By custom, the names that a component takes, where they are few, are its "classes".
    named = conditioners[place].config.get("classes") if place < len(conditioners) else None
    return list(map(str, named)) if isinstance(named, list | tuple) else []


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    # zsh and fish quote what they insert, bash does not.
    bash = os.environ.get("_GENZOO_COMPLETE", "").startswith("bash")
    return [
        CompletionItem(word.replace(" ", "\\ ") if bash else word)
        for word in map(printable, words)
        if word.lower().startswith(incomplete.lower())
    ]


def _look(ctx: click.Context) -> Look | None:
    """The model that the command line names, or the user's default.

    Nothing is fetched for it, and no format of others imported.
    """
    from genzoo.cli.info import look
    from genzoo.models.find import find
    from genzoo.models.formats import ModelFolder
    from genzoo.models.weights import has_scheme
    from genzoo_core.downloads import no_downloads

    # Where the last word is an option that waits for its value, click leaves the arguments unread.
    model = ctx.params.get("model") or next(iter(ctx.args), None) or _own_model()
    if not model or has_scheme(model):
        return None
    catalogue = catalogue_of(ctx)
    with no_downloads():  # one of the user's own list may lie elsewhere
        return None if isinstance(find(catalogue, model), ModelFolder) else look(catalogue, model)


def _own_model() -> str:
    from genzoo.cli.settings import read_settings

    try:
        chosen = read_settings().get("model")
    except GenzooError:
        return ""
    return str(chosen.value) if chosen else ""
