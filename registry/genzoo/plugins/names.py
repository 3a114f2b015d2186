"""Names: `distribution/name`, the bare name while it is unique, and aliases; choosing by them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from genzoo.text import listed, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.config import Config
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.manifest import CommandEntry, ComponentEntry, FormatEntry, RecipeEntry
from genzoo_core.plugin import Model, Plugin

EntryT = TypeVar("EntryT", ComponentEntry, CommandEntry, FormatEntry, RecipeEntry)


class Owned(Config, Generic[EntryT]):
    """A component, a command or a format that a manifest lists, with its plugin."""

    entry: EntryT
    plugin: Plugin
    aliases: ClassVar[tuple[str, ...]] = ()

    @property
    def bare(self) -> str:
        return self.entry.name

    @property
    def distribution(self) -> str:
        return self.plugin.distribution


Named = (
    Model | Owned[ComponentEntry] | Owned[CommandEntry] | Owned[FormatEntry] | Owned[RecipeEntry]
)
NamedT = TypeVar("NamedT", bound=Named)

_VALUES: dict[str, Callable[[ModelCard], Sequence[str]]] = {
    "family": lambda card: (card.family,),
    "conditioner": lambda card: card.conditioners,
    "kind": lambda card: (card.kind,),
}
"""What a card says of each thing that models can be chosen by."""


def full_name(named: Named) -> str:
    """`distribution/name`; the name alone of a model that no plugin ships."""
    return f"{named.distribution}/{named.bare}" if named.distribution else named.bare


def normalise(distribution: str) -> str:
    """A distribution's name as it is compared (PEP 503): "Acme_Zoo" is "acme-zoo"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def matches(name: str, among: Sequence[NamedT]) -> list[NamedT]:
    """Those with a bare name or `distribution/name`; where there are none, with that alias."""
    distribution, slash, bare = name.rpartition("/")
    if slash:
        distribution = normalise(distribution)
        among = [each for each in among if each.distribution == distribution]
    named = [each for each in among if each.bare == bare]
    return named or [each for each in among if bare in each.aliases]


def shared(names: Iterable[str]) -> set[str]:
    """The names that occur more than once."""
    return {name for name, count in Counter(names).items() if count > 1}


def choices(among: Iterable[Named]) -> list[str]:
    """Everything that a user may have meant: bare names, full names and aliases, each once."""
    names = (name for each in among for name in (each.bare, full_name(each), *each.aliases))
    return list(dict.fromkeys(names))


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
        raise UsageError(f"no {what} {quoted(value)}", f"{there}; {near}" if near else there)


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
