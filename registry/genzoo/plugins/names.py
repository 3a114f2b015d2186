"""Names: `distribution/name`, the bare name while it is unique, and aliases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from genzoo_core.config import Config
from genzoo_core.manifest import CommandEntry, ComponentEntry, FormatEntry
from genzoo_core.plugin import Model, Plugin

EntryT = TypeVar("EntryT", ComponentEntry, CommandEntry, FormatEntry)


class Owned(Config, Generic[EntryT]):
    """A component, a command or a format that a manifest lists, with its plugin."""

    entry: EntryT
    plugin: Plugin
    aliases: ClassVar[tuple[str, ...]] = ()

    @property
    def bare(self) -> str:
        """Its name."""
        return self.entry.name

    @property
    def distribution(self) -> str:
        """Distribution that owns it."""
        return self.plugin.distribution


Named = Model | Owned[ComponentEntry] | Owned[CommandEntry] | Owned[FormatEntry]
NamedT = TypeVar("NamedT", Model, Owned[ComponentEntry], Owned[CommandEntry], Owned[FormatEntry])


def full_name(named: Named) -> str:
    """`distribution/name`; the name alone of a model that no plugin ships."""
    return f"{named.distribution}/{named.bare}" if named.distribution else named.bare


def normalise(distribution: str) -> str:
    """A distribution's name as it is compared (PEP 503): "Acme_Zoo" is "acme-zoo"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def matches(name: str, among: Sequence[NamedT]) -> list[NamedT]:
    """Those of a bare name or `distribution/name`; where there are none, those with that alias."""
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
