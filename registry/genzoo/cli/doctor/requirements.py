"""What genzoo needs of other distributions, and whether it has that."""

from __future__ import annotations

from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from genzoo.plugins.distributions import installed, installed_version
from genzoo_core.errors import GenzooError


class Need(NamedTuple):
    """A distribution that genzoo, or one of its extras, requires.

    Attributes:
        wanted: The versions that do, ">=2.4".
        installed: The version that is there, or None.
        extra: The first extra that asks for it, or "".
    """

    name: str
    wanted: SpecifierSet
    installed: str | None
    extra: str

    @property
    def problem(self) -> str:
        """What is wrong with it, in one line; "" for nothing."""
        if self.installed is None:
            return f"{self.name} is not installed"
        try:
            fits = self.wanted.contains(self.installed, prereleases=True)
        except InvalidVersion:
            fits = True  # an old spelling that cannot be compared
        required = f"{self.name}{self.wanted} is required"
        return "" if fits else f"{self.name} {self.installed} is installed, {required}"


def requirements() -> list[Need]:
    """What genzoo requires here, whatever the extras."""
    return [need for need in all_requirements() if not need.extra]


def all_requirements() -> list[Need]:
    """What genzoo requires here, and what its extras do."""
    genzoo = installed("genzoo")
    if genzoo is None:
        raise GenzooError("genzoo itself is not installed", "`pip install genzoo`")
    extras = ["", *(genzoo.metadata.get_all("Provides-Extra") or [])]
    needs = []
    for requirement in map(Requirement, genzoo.requires or []):
        marker = requirement.marker
        name = canonicalize_name(requirement.name)
        for extra in extras:
            if marker is None or marker.evaluate({"extra": extra}):
                needs.append(Need(name, requirement.specifier, installed_version(name), extra))
                break
    return needs
