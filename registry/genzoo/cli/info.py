"""`genzoo info`: all that can be said of a model without building it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli import table
from genzoo.cli.group import catalogue_of, complete_models, variant_option
from genzoo.files.foreign import Weights
from genzoo.files.model_file import read_header
from genzoo.models.find import card_of, find
from genzoo.models.formats import ModelFolder
from genzoo.models.weights import as_added, check_digest, weights_here
from genzoo.plugins.guard import warn
from genzoo.plugins.names import full_name
from genzoo.run.option_list import options_of
from genzoo.text import printable
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Model
from genzoo_core.specs import ModelSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Option

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.cards import Metric


FLOOR = "floor: what as many real pictures score; a net cannot tell better ones from real"

CLASSES = 12
"""Most names of what a conditioner takes."""


@dataclass(frozen=True)
class Look:
    """A model, and what its file or folder says.

    Attributes:
        weights: The file with its weights; None where it is not on this machine.
        problems: Why something of this is missing, in one line each.
        format: Full name of the format of others that its folder is in; "" for a file of genzoo's.
        parts: The weights in such a folder, of which some have `variants`.
    """

    model: Model
    weights: Path | None = None
    spec: ModelSpec | None = None
    options: tuple[Option, ...] = ()
    problems: tuple[str, ...] = ()
    format: str = ""
    parts: tuple[Weights, ...] = ()
    variants: tuple[str, ...] = ()


def look(catalogue: Catalogue, reference: str, variant: str = "") -> Look:
    """What a model of the list, a model file, or a folder in another format says of itself.

    Raises:
        GenzooError: There is none, or the file is no model file.
    """
    found = find(catalogue, reference, variant)
    if isinstance(found, ModelFolder):
        return Look(
            found.added or found.model(found.card()),
            format=full_name(found.format),
            parts=tuple(found.files.parts()),
            variants=tuple(found.files.variants()),
        )
    if isinstance(found, Model):
        try:
            weights = weights_here(catalogue, found)
            if found.added and weights is not None:
                with as_added(found):
                    check_digest(WeightsFile(weights, sha256=found.card.sha256))
            about = Look(found, weights, read_header(weights).spec if weights else None)
        except GenzooError as error:
            return Look(found, problems=(str(error),))
    else:
        about = Look(Model(card_of(found), file=found), found.path, read_header(found.path).spec)
    try:
        return replace(about, options=options_of(catalogue, about.spec) if about.spec else ())
    except GenzooError as error:
        return replace(about, problems=(str(error),))


@click.command()
@click.argument("model", metavar="MODEL|FILE|FOLDER", shell_complete=complete_models)
@variant_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def info(ctx: click.Context, *, model: str, variant: str, as_json: bool) -> None:
    """Show what is known of a model: its card, its options and its weights.

    MODEL is a name that `genzoo list` shows, FILE a model file, or FOLDER one in a format that a
    plugin reads. A file that a plugin knows how to fetch (hf://owner/repo) is fetched; of a
    folder, what describes it.
    """
    about = look(catalogue_of(ctx), model, variant)
    if as_json:
        click.echo(json.dumps(_as_json(about), indent=2))
    else:
        for line in _lines(about):
            click.echo(printable(line))
    for problem in about.problems:
        warn(problem)


def _as_json(about: Look) -> dict[str, Any]:
    import msgspec
    from msgspec.structs import asdict

    card, plugin = about.model.card, about.model.plugin
    return {
        "name": about.model.name,
        # All fields, those at their defaults too: a reader of JSON does not know these.
        "card": {**asdict(card), "metrics": [asdict(metric) for metric in card.metrics]},
        "plugin": plugin and str(plugin),
        "weights": about.weights and str(about.weights),
        "spec": msgspec.to_builtins(about.spec),
        "format": about.format,
        "parts": [part._asdict() for part in about.parts],
        "variants": list(about.variants),
        "options": msgspec.to_builtins(about.options),
        "problems": list(about.problems),
    }


def _lines(about: Look) -> Iterator[str]:
    card = about.model.card
    yield about.model.name
    if card.summary:
        yield from table.wrapped(card.summary)
    yield ""
    yield from table.fields(_facts(about))
    if about.parts:
        yield from ("", "Weights")
        yield from table.fields((part.name, _part(part)) for part in about.parts)
    if about.options:
        yield from ("", "Options (--set NAME=VALUE)")
        yield from table.fields((o.name, _option(o)) for o in about.options)
    if card.metrics:
        yield from ("", "Measured")
        if any(metric.floor is not None for metric in card.metrics):
            yield from table.wrapped(FLOOR, "  ")
        yield from _measured(card.metrics)
    if card.notes:
        yield ""
        for note in card.notes.strip().splitlines():
            yield from table.wrapped(note)


def _facts(about: Look) -> Iterator[tuple[str, str]]:
    card = about.model.card
    first, *others = card.conditioners or ("",)
    reads = f"{first} (reads the prompt)" if first else "none"
    yield "family", card.family
    yield "kind", card.kind
    yield "dataset", card.dataset
    yield "shape", table.shape(card.shape)
    yield "conditioners", ", ".join([reads, *others])
    yield "classes", _few(card.classes)
    yield "parameters", f"{card.parameters:,}" if card.parameters else ""
    yield "weights", "" if card.weights == str(about.weights) else card.weights
    yield "size", table.size(card.size)
    yield "sha256", card.sha256
    yield "licence", card.license
    yield "credits", "; ".join(card.credits)
    yield "recipe", card.recipe
    yield "aliases", ", ".join(card.aliases)
    yield "file", str(about.weights or "")
    yield "format", about.format
    yield "variants", ", ".join(about.variants)
    if about.spec is not None:
        yield from _spec_facts(about.spec)
    yield "plugin", str(about.model.plugin or "")


def _spec_facts(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    yield "component", spec.component
    yield "config", ", ".join(f"{name}={value}" for name, value in spec.config.items())
    for place, (name, conditioner) in enumerate(spec.conditioners.items()):
        # By custom, the names that a component takes, where they are few, are its "classes".
        named = conditioner.config.get("classes")
        taken = _few(named if isinstance(named, list) else [])
        how = f" (--set {name}=VALUE)" if place else ""
        yield f"condition {name}", conditioner.component + (f": {taken}" if taken else "") + how
    for role, part in spec.parts.items():
        yield f"part {role}", f"{part.model}{' (in this file)' if part.inline else ''}"


def _few(names: Sequence[object]) -> str:
    return ", ".join([*map(str, names[:CLASSES]), *["…"][: len(names) > CLASSES]])


def _part(part: Weights) -> str:
    dtypes = f" in {', '.join(part.dtypes)}" if part.dtypes else ""
    count = "" if part.parameters is None else f", {part.parameters:,} parameters{dtypes}"
    return table.size(part.size) + count


def _option(option: Option) -> str:
    text = f"of {option.of}: {option.type}" if option.of else option.type
    if option.required:
        text += "; must be given"
    elif option.resolved is not None:
        default = json.dumps(option.resolved, ensure_ascii=False).strip('"')
        text += f"; default {default}"
    return f"{text}. {option.meaning}" if option.meaning else text


def _measured(metrics: Iterable[Metric]) -> Iterator[str]:
    """Those that are measured alike stand together: a model has many."""
    alike: dict[str, dict[str, list[Metric]]] = {}
    for metric in metrics:
        alike.setdefault(metric.command, {}).setdefault(metric.note, []).append(metric)
    for command, by_note in alike.items():
        yield f"  by {command}"
        for note, some in by_note.items():
            if note:
                yield from table.wrapped(note, "  ")
            yield from (f"  {line}" for line in table.fields((m.name, _metric(m)) for m in some))


def _metric(metric: Metric) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    beside = [f"n {metric.n:,}"] if metric.n is not None else []
    beside += [f"floor {_number(metric.floor)}{unit}"] if metric.floor is not None else []
    text = f"{_number(metric.value)}{unit}"
    return f"{text} ({', '.join(beside)})" if beside else text


def _number(value: float) -> str:
    """Four digits, or all before the point."""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
