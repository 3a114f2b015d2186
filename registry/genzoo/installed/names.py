"""Names: `distribution/name`, the bare name while it is unique, and aliases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """What can be found by name."""

    @property
    def name(self) -> str: ...
    @property
    def distribution(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


NamedT = TypeVar("NamedT", bound=Named)


def normalise(distribution: str) -> str:
    """A distribution's name as it is compared (PEP 503): "Acme_Zoo" is "acme-zoo"."""
    import re

    return re.sub(r"[-_.]+", "-", distribution).lower()


def matches(name: str, rows: Sequence[NamedT]) -> list[NamedT]:
    """The rows that `name` stands for: none if unknown, several if it is ambiguous.

    A name is looked for first, and an alias only where no name is like it.

    Args:
        name: A bare name, `distribution/name` or an alias.
        rows: What to look among.
    """
    distribution, slash, bare = name.rpartition("/")
    if slash:
        distribution = normalise(distribution)
        rows = [row for row in rows if row.distribution == distribution]
    named = [row for row in rows if row.name == bare]
    return named or [row for row in rows if bare in row.aliases]


def shared(names: Iterable[str]) -> set[str]:
    """The names that occur more than once."""
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def choices(rows: Iterable[Named]) -> list[str]:
    """Everything that a user may have meant: bare names, full names and aliases."""
    found: dict[str, None] = {}
    for row in rows:
        found[row.name] = None
        found[f"{row.distribution}/{row.name}"] = None
        found.update(dict.fromkeys(row.aliases))
    return list(found)
