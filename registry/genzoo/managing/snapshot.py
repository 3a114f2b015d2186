"""What is installed at one moment, seen from a fresh process."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from genzoo.cli.doctor.fresh import ask
from genzoo.cli.doctor.requirements import requirements
from genzoo.cli.overview import conflicts
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.distributions import MAX_METADATA, distributions, installed
from genzoo.plugins.names import normalise
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin
from genzoo_core.reading import read_bytes

Checked = list[tuple[Plugin, tuple[str, ...]]]
"""Plugins, each with what is wrong with it."""


class Distribution(msgspec.Struct, frozen=True):
    """A distribution that is installed.

    Attributes:
        place: The folder that it is installed in.
        stamp: Tells one installation from a later one of the same version.
        requested: Whether it was asked for, not only needed by another.
        direct: The direct_url.json of what came from a path or URL; None of an index.
    """

    name: str
    version: str
    place: str
    stamp: int
    requested: bool
    direct: dict[str, Any] | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """What is installed.

    Attributes:
        distributions: By normalised name.
        plugins: All of them, also those that the environment's variables hide.
        conflicts, unmet: A line for each name that several plugins give, and for each
            requirement of genzoo that is not met.
    """

    distributions: dict[str, Distribution]
    plugins: tuple[Plugin, ...]
    conflicts: tuple[str, ...]
    unmet: tuple[str, ...]

    def version(self, name: str) -> str | None:
        """The version of a distribution, or None where it is not installed."""
        found = self.distributions.get(name)
        return found.version if found else None


def take_snapshot() -> Snapshot:
    """What is installed now.

    Raises:
        GenzooError: genzoo does not work in a fresh process.
    """
    try:
        return ask("genzoo.managing.snapshot:snapshot_here", Snapshot)
    except GenzooError as error:
        raise GenzooError(f"genzoo does not work any more: {error}") from error


def check(distributions: Collection[str]) -> Checked:
    """The plugins of these distributions. All that they name is imported, in other processes."""
    return ask("genzoo.managing.snapshot:check_here", Checked, *distributions)


def snapshot_here() -> Snapshot:
    """What is installed, for `take_snapshot`: called in the fresh process."""
    import genzoo.cli.frame  # noqa: F401  # whether the command line works

    catalogue = Catalogue.open()
    return Snapshot(
        distributions=_distributions(),
        plugins=catalogue.plugins,
        conflicts=tuple(conflicts(catalogue)),
        unmet=tuple(need.problem for need in requirements() if need.problem),
    )


def check_here(*distributions: str) -> Checked:
    """What is wrong with some plugins, for `check`: called in the fresh process."""
    from genzoo.models.verify import verify_plugin

    return [
        (plugin, (plugin.error,) if plugin.error else verify_plugin(plugin).problems)
        for plugin in Catalogue.open().plugins
        if plugin.distribution in distributions
    ]


def _distributions() -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        folder = distribution.folder
        try:
            name = normalise(distribution.metadata["Name"])
            version = str(distribution.version)
            stamp = folder.stat().st_mtime_ns
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            continue  # a leftover of a removal that was cut short
        counting = installed(name)
        if not distribution.set_aside and (counting is None or counting.folder == folder):
            requested = (folder / "REQUESTED").is_file()
            direct = _direct(folder / "direct_url.json")
            place = str(folder.parent)
            found[name] = Distribution(name, version, place, stamp, requested, direct)
    return found


def _direct(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(read_bytes(file, MAX_METADATA))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("url"), str) else None
