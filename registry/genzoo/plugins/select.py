"""Choosing among models and components by pattern, family, conditioner and kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from genzoo.plugins.names import NamedT, Owned, full_name
from genzoo.text import listed, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.manifest import ComponentEntry
from genzoo_core.plugin import Model

if TYPE_CHECKING:
    from genzoo.plugins.names import Named

_VALUES: dict[str, Callable[[ModelCard], Sequence[str]]] = {
    "family": lambda card: (card.family,),
    "conditioner": lambda card: card.conditioners,
    "kind": lambda card: (card.kind,),
}
"""What a card says of each thing that models can be chosen by."""


def select(
    models: Sequence[Model],
    pattern: str | None = None,
    *,
    family: str | None = None,
    conditioner: str | None = None,
    kind: str | None = None,
) -> list[Model]:
    """The models that match all of these; see `genzoo.list_models`.

    A pattern is a glob where it holds one of `*?[`, else a part of a name, in upper or lower case.
    Aliases count; the distribution does where the pattern holds a "/".
    """
    wanted = {"pattern": pattern, "family": family, "conditioner": conditioner, "kind": kind}
    for what, value in wanted.items():
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{what} is {value!r}; give text")
    found = models
    for what, values in _VALUES.items():
        if (value := wanted[what]) is not None:
            refuse_unknown(what, value, (each for m in models for each in values(m.card)))
            found = [model for model in found if value in values(model.card)]
    return _matching(found, pattern)


def select_components(
    components: Sequence[Owned[ComponentEntry]], kind: str, pattern: str | None = None
) -> list[Owned[ComponentEntry]]:
    """The components of a kind whose names match `pattern`, in alphabetical order."""
    found = [component for component in components if component.entry.kind == kind]
    return sorted(_matching(found, pattern), key=lambda each: (each.bare, each.distribution))


def refuse_unknown(what: str, value: str, values: Iterable[str]) -> None:
    """Refuse, as a `UsageError`, a value that is not among `values`; names those."""
    valid = sorted(set(values) - {""})
    if value not in valid:
        near = did_you_mean(value, valid)
        there = f"known: {listed(valid)}" if valid else "no installed model has one"
        raise UsageError(f"no {what} {quoted(value)}", f"{near}; {there}" if near else there)


def _matching(among: Sequence[NamedT], pattern: str | None) -> list[NamedT]:
    if pattern is None:
        return list(among)
    text = pattern.lower()
    fits: Callable[[str], object] = lambda name: text in name  # noqa: E731
    if any(character in text for character in "*?["):
        from fnmatch import translate

        fits = re.compile(translate(text)).match

    def names(each: Named) -> Iterable[str]:
        return [full_name(each)] if "/" in text else [each.bare, *each.aliases]

    return [each for each in among if any(map(fits, names(each)))]
