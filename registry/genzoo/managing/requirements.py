"""What genzoo needs of other distributions, and whether it has that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion


class Need(NamedTuple):
    """A distribution that genzoo, or one of its extras, requires.

    Attributes:
        name: Its normalised name.
        wanted: The versions that do, ">=2.4"; "" for any.
        installed: The version that is there, or None.
        extra: The extra that asks for it, or "".
    """

    name: str
    wanted: str
    installed: str | None
    extra: str

    @property
    def problem(self) -> str:
        """What is wrong with it, in one line; "" for nothing."""
        if self.installed is None:
            return f"{self.name} is not installed"
        return (
            ""
            if self._fits(self.installed)
            else (
                f"{self.name} {self.installed} is installed, {self.name}{self.wanted} is required"
            )
        )

    def _fits(self, version: str) -> bool:
        from packaging.specifiers import SpecifierSet

        try:
            return SpecifierSet(self.wanted).contains(version, prereleases=True)
        except InvalidVersion:
            return True  # an old spelling that cannot be compared


def needs_of(distribution: str = "genzoo") -> list[Need]:
    """What `distribution` requires here, and what its extras do.

    Raises:
        importlib.metadata.PackageNotFoundError: It is not installed.
    """
    found = metadata.distribution(distribution)
    extras = found.metadata.get_all("Provides-Extra") or []
    return list(_needs(found.requires or [], extras))


def _needs(requires: list[str], extras: list[str]) -> Iterator[Need]:
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        extra = _extra_of(requirement, extras)
        if extra is not None:
            name = canonicalize_name(requirement.name)
            yield Need(name, str(requirement.specifier), installed_version(name), extra)


def _extra_of(requirement: Requirement, extras: list[str]) -> str | None:
    """The first extra that asks for it, "" where it is always required, None where it never is."""
    for extra in ("", *extras):
        environment: Mapping[str, str] = {"extra": extra}
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            return extra
    return None


def installed_version(name: str) -> str | None:
    """The version of a distribution, or None where it is not installed."""
    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, KeyError):
        return None
