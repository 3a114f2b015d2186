"""Which models are compared, and at which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError, NotFittedError, UsageError
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo

NO_DENSITY: Mapping[str, object] = {"prior": "standard-normal"}
"""How a model is sampled that has latents and no density fitted to them."""


@dataclass(frozen=True)
class Contender:
    reference: str
    name: str
    card: ModelCard | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


def models_of(zoo: Zoo, dataset: str) -> tuple[ModelCard, ...]:
    """Cards of the models of a dataset that `genzoo run` runs."""
    return tuple(card for card in zoo.cards() if card.kind == "model" and card.dataset == dataset)


def dataset_of(zoo: Zoo, references: tuple[str, ...], datasets: tuple[str, ...]) -> str:
    """The dataset that the named models have in common.

    Raises:
        UsageError: They have none, or several.
    """
    cards = [zoo.card(name) for name in references if not Path(name).is_file()]
    found = tuple(dict.fromkeys(card.dataset for card in cards if card.dataset))
    if len(found) == 1:
        return found[0]
    reason = f"the models are of {' and '.join(found)}" if found else "no dataset was named"
    there = " or ".join(f"--data {name}" for name in found or datasets)
    raise UsageError(reason, f"give one: {there}")


def choose(
    zoo: Zoo, references: tuple[str, ...], dataset: str, *, anywhere: bool = False
) -> tuple[Contender, ...]:
    """The models that were named, or all of the dataset; each once.

    With `anywhere` those that are named may be of any dataset.

    Raises:
        UsageError: A name is no model, none that makes pictures, or one of another dataset; names
            those that fit.
        GenzooError: A model that was named cannot be loaded.
    """
    if references:
        return tuple(
            _named(zoo, name, dataset, anywhere=anywhere) for name in dict.fromkeys(references)
        )
    cards = models_of(zoo, dataset)
    if not cards:
        raise UsageError(f"there are no models of {dataset}", "`genzoo list` shows those there are")
    return tuple(Contender(card.name, card.name, card) for card in cards)


def _named(zoo: Zoo, reference: str, dataset: str, *, anywhere: bool) -> Contender:
    if Path(reference).is_file():
        return Contender(reference, Path(reference).stem)
    card = zoo.card(reference)
    fit = ", ".join(c.name for c in models_of(zoo, dataset)) or "none"
    hint = f"of {dataset} there are {fit}"
    if card.kind != "model":
        raise UsageError(f"{reference} makes no pictures", hint)
    if not anywhere and card.dataset not in (
        "",
        dataset,
    ):  # a checkpoint in another format may not say its dataset
        raise UsageError(f"{reference} is a model of {card.dataset}, not of {dataset}", hint)
    return Contender(reference, reference, card)


def with_density(zoo: Zoo, contender: Contender) -> Contender:
    """The contender with the settings that it needs to make pictures at all; a `GenzooError` says
    why it makes none."""
    try:
        zoo.generate(Request(contender.reference, n=1, seed=0))
    except NotFittedError as unfitted:
        try:
            zoo.generate(Request(contender.reference, n=1, seed=0, options=dict(NO_DENSITY)))
        except GenzooError:
            raise unfitted from None
        return replace(contender, settings=NO_DENSITY)
    return contender
