"""The plugins that are installed, as `genzoo_core.Zoo.plugins` tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genzoo.installed.discovery import read_manifest
from genzoo.installed.names import normalise
from genzoo_core.errors import GenzooError, UsageError, did_you_mean
from genzoo_core.zoo import InstalledPlugin

if TYPE_CHECKING:
    from genzoo.catalogue import Catalogue
    from genzoo.installed.records import PluginRecord


def installed_plugins(catalogue: Catalogue, name: str | None) -> tuple[InstalledPlugin, ...]:
    """All plugins, or those of one name: a distribution's, or a plugin's own.

    Raises:
        UsageError: No plugin is called that, nor its distribution.
    """
    records = catalogue.plugins
    if name is None:
        return tuple(map(_told, records))
    found = [r for r in records if r.distribution == normalise(name)]
    found = found or [r for r in records if r.name == name]
    if not found:
        names = sorted({known for r in records for known in (r.name, r.distribution)})
        hint = did_you_mean(name, names) or "`genzoo plugins` shows what is installed"
        raise UsageError(f"no plugin {name[:100]!r} is installed", hint)
    return tuple(map(_told, found))


def record_of(catalogue: Catalogue, plugin: InstalledPlugin) -> PluginRecord:
    """The catalogue's own record of a plugin.

    Raises:
        UsageError: It is not installed.
    """
    for record in catalogue.plugins:
        if (record.name, record.distribution) == (plugin.name, plugin.distribution):
            return record
    raise UsageError(f"no plugin {plugin.name!r} of {plugin.distribution!r} is installed")


def _told(record: PluginRecord) -> InstalledPlugin:
    manifest, error = None, record.error
    if record.status == "disabled":
        error = "it is disabled"
    elif record.status == "ok" and record.folder is not None:
        try:
            manifest = read_manifest(record.folder)
        except GenzooError as changed:  # since the index was written
            error = str(changed)
    return InstalledPlugin(
        name=record.name,
        distribution=record.distribution,
        version=record.version,
        module=record.module,
        folder=record.folder,
        manifest=manifest,
        error=error,
    )
