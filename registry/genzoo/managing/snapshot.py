"""What is installed at one moment, seen from a fresh process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from genzoo.managing.fresh import ask
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin


class Distribution(msgspec.Struct, frozen=True):
    """A distribution that is installed.

    Attributes:
        name: Its normalised name.
        version: Its version.
        place: The folder that it is installed in.
        stamp: Tells one installation from a later one of the same version.
        requested: Whether it was asked for, not only needed by another.
        direct: What pip noted of a path or URL that it came from (direct_url.json), or None
            where it came from an index.
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
        conflicts: Names that several plugins give, in a line each.
        unmet: What genzoo requires and does not have, in a line each.
    """

    distributions: dict[str, Distribution]
    plugins: tuple[Plugin, ...]
    conflicts: tuple[str, ...]
    unmet: tuple[str, ...]

    def version_of(self, name: str) -> str | None:
        """The version of a distribution, or None where it is not installed."""
        found = self.distributions.get(name)
        return None if found is None else found.version

    def plugins_of(self, names: Sequence[str]) -> list[Plugin]:
        """The plugins of these distributions."""
        return [plugin for plugin in self.plugins if plugin.distribution in names]


def look() -> Snapshot:
    """What is installed now.

    Raises:
        GenzooError: genzoo does not work in a fresh process.
    """
    try:
        return msgspec.convert(ask("genzoo.managing.snapshot:seen"), Snapshot)
    except GenzooError as error:
        raise GenzooError(f"genzoo does not work any more: {error}") from error


def check(plugins: Sequence[Plugin]) -> list[tuple[Plugin, list[str]]]:
    """What is wrong with each of these plugins, found by importing all that they name.

    Raises:
        GenzooError: genzoo does not work in a fresh process.
    """
    sound = [plugin for plugin in plugins if plugin.status == "ok"]
    owners = json.dumps([[plugin.name, plugin.distribution] for plugin in sound])
    found = ask("genzoo.managing.snapshot:checked", owners) if sound else []
    problems = {(name, owner): lines for name, owner, lines in found}
    return [
        (p, problems.get((p.name, p.distribution), [p.error] if p.error else [])) for p in plugins
    ]


def seen() -> dict[str, Any]:
    """What is installed, for `look`: called in the fresh process."""
    import genzoo.cli.frame  # noqa: F401
    from genzoo.managing.overview import conflicts
    from genzoo.managing.requirements import needs_of
    from genzoo.plugins.catalogue import Catalogue

    catalogue = Catalogue.open()
    needs = [need for need in needs_of() if not need.extra]
    return {
        "distributions": {found["name"]: found for found in _distributions()},
        "plugins": msgspec.to_builtins(catalogue.plugins),
        "conflicts": list(conflicts(catalogue)),
        "unmet": [need.problem for need in needs if need.problem],
    }


def checked(owners: str) -> list[list[Any]]:
    """What is wrong with some plugins, for `check`: called in the fresh process."""
    from genzoo.models.verify import verify_plugin
    from genzoo.plugins.catalogue import Catalogue

    wanted = {tuple(owner) for owner in json.loads(owners)}
    return [
        [plugin.name, plugin.distribution, list(verify_plugin(plugin).problems)]
        for plugin in Catalogue.open().plugins
        if (plugin.name, plugin.distribution) in wanted
    ]


def _distributions() -> Iterator[dict[str, Any]]:
    from genzoo.plugins.names import normalise

    known: set[str] = set()
    for distribution in metadata.distributions():
        folder = Path(getattr(distribution, "_path", ""))  # no public way leads to it
        try:
            name = normalise(distribution.metadata["Name"])
            version = str(distribution.version)
            stamp = folder.stat().st_mtime_ns
        except (OSError, KeyError, TypeError, ValueError, AttributeError):
            continue  # a leftover of a removal that was cut short
        if name in known:
            continue  # an earlier place on the path has it: that one counts
        known.add(name)
        yield {
            "name": name,
            "version": version,
            "place": str(folder.parent),
            "stamp": stamp,
            "requested": (folder / "REQUESTED").is_file(),
            "direct": _direct(folder / "direct_url.json"),
        }


def _direct(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("url"), str) else None
