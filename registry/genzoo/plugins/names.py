"""Names: `distribution/name`, the bare name while it is unique, and aliases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from genzoo_core.manifest import CommandEntry, ComponentEntry
from genzoo_core.plugin import Plugin

if TYPE_CHECKING:

    class Named(Protocol):
        """What can be found by name."""

        @property
        def bare(self) -> str: ...
        @property
        def distribution(self) -> str: ...
        @property
        def aliases(self) -> tuple[str, ...]: ...


NamedT = TypeVar("NamedT", bound="Named")
EntryT = TypeVar("EntryT", ComponentEntry, CommandEntry)


class Owned(NamedTuple, Generic[EntryT]):
    """What a manifest lists, with its plugin."""

    entry: EntryT
    plugin: Plugin

    @property
    def bare(self) -> str:
        """Its name."""
        return self.entry.name

    @property
    def distribution(self) -> str:
        """Distribution that owns it."""
        return self.plugin.distribution

    @property
    def aliases(self) -> tuple[str, ...]:
        """Components and commands have none."""
        return ()


def full_name(named: Named) -> str:
    """`distribution/name`."""
    return f"{named.distribution}/{named.bare}"


def normalise(distribution: str) -> str:
    """A distribution's name as it is compared (PEP 503): "Acme_Zoo" is "acme-zoo"."""
    import re

    return re.sub(r"[-_.]+", "-", distribution).lower()


def matches(name: str, among: Sequence[NamedT]) -> list[NamedT]:
    """Those that `name` stands for: none if unknown, several if it is ambiguous.

    A name is looked for first, and an alias only where no name is like it.

    Args:
        name: A bare name, `distribution/name` or an alias.
        among: What to look among.
    """
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
    """Everything that a user may have meant: bare names, full names and aliases."""
    found: dict[str, None] = {}
    for each in among:
        found.update(dict.fromkeys((each.bare, full_name(each), *each.aliases)))
    return list(found)
