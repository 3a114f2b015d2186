"""Finding plugins through their entry points, without importing them.

This is the cold path: what it finds is cached (`genzoo.plugins.cache`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from genzoo.files.strict_toml import parse_toml
from genzoo.plugins.manifests import check_manifest, names_in
from genzoo.plugins.names import normalise
from genzoo.plugins.selection import admits, named_in
from genzoo.text import one_line
from genzoo_core.errors import ConfigError, PluginError, UsageError, did_you_mean
from genzoo_core.plugin import Plugin

GROUP = "genzoo"
MANIFEST = "genzoo.toml"
MAX_MANIFEST = 2**24
"""Bytes of the largest manifest that is read; ten thousand cards take half of it."""


def discover(*, no_plugins: bool) -> tuple[tuple[Plugin, ...], list[str]]:
    """Every plugin that is installed: genzoo's own first, then by distribution and name.

    Runs no code of a plugin. Those that the user leaves out are listed as disabled, and nothing
    of them is read.

    Returns:
        The plugins, and the files that tell by their time and size whether this still holds.
    """
    found = sorted(_entry_points(), key=lambda f: (not f[0].builtin, f[0].distribution, f[0].name))
    _refuse_unknown([plugin for plugin, _ in found])
    plugins = tuple(_read(plugin, no_plugins=no_plugins) for plugin, _ in found)
    manifests = [os.path.join(p.location, MANIFEST) for p in plugins if p.location]
    return plugins, [*(file for _, file in found), *manifests]


def _refuse_unknown(plugins: Sequence[Plugin]) -> None:
    known = sorted({name for p in plugins for name in (p.name, p.distribution)})
    for variable in ("GENZOO_PLUGINS", "GENZOO_DISABLE"):
        for name in named_in(variable) or ():
            if name not in known and normalise(name) not in known:
                hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
                raise UsageError(f"{variable} names {name!r}, which no installed plugin has", hint)


def _entry_points() -> Iterator[tuple[Plugin, str]]:
    """The plugins, and the file that each is named in."""
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, UnicodeDecodeError):
            continue
        if GROUP in text:
            folder = Path(getattr(distribution, "_path", ""))  # no public way leads to it
            for plugin in _plugins_of(distribution, folder):
                yield plugin, str(folder / "entry_points.txt")


def _plugins_of(distribution: metadata.Distribution, folder: Path) -> Iterator[Plugin]:
    name, _, version = folder.stem.partition("-")
    try:
        name = distribution.metadata["Name"] or name
        version = distribution.metadata["Version"] or version
        first = metadata.distribution(name)
        if Path(str(first.locate_file(""))) != Path(str(distribution.locate_file(""))):
            return  # an earlier entry of `sys.path` has the same distribution: that one counts
        for entry_point in distribution.entry_points.select(group=GROUP):
            yield Plugin(entry_point.name, normalise(name), version, entry_point.value)
    except Exception as error:
        # The parsers raise whatever a malformed file makes them raise.
        text = f"its metadata in {folder.name} cannot be read: {one_line(error)}"
        yield Plugin(name, normalise(name), version, error=text)


def _read(plugin: Plugin, *, no_plugins: bool) -> Plugin:
    """`plugin` with its manifest, or as disabled or broken."""
    if not admits(plugin, no_plugins=no_plugins):
        return replace(plugin, disabled=True, error="")
    if plugin.error:
        return plugin
    lost: tuple[str, ...] = ()
    try:
        folder = _package_folder(plugin.module)
        plugin = replace(plugin, location=str(folder))
        data = _parse(folder / MANIFEST)
        lost = names_in(data)
        return replace(plugin, manifest=check_manifest(data, folder))
    except (PluginError, ConfigError) as error:
        return replace(plugin, error=str(error), lost=lost)


def _package_folder(module: str) -> Path:
    """Folder of a top-level package on disk, found without running anything of it."""
    if not module.isidentifier():
        raise PluginError(f"its entry point must name a top-level package, not {module!r}")
    try:
        spec = find_spec(module)
    except Exception as error:  # a finder of another project, or a half-imported module
        raise PluginError(f"package {module} cannot be found: {one_line(error)}") from error
    if spec is None:
        raise PluginError(f"package {module} is not there")
    if spec.origin is None or not spec.has_location:
        raise PluginError(f"{module} is a namespace package: it has no __init__.py")
    if spec.submodule_search_locations is None:
        raise PluginError(f"{module} is a single module; {MANIFEST} lies in a package")
    return Path(os.path.abspath(spec.origin)).parent


def _parse(path: Path) -> dict[str, Any]:
    try:
        status = path.stat()
        # Opening a pipe would wait for ever, and a device has no end.
        if not stat.S_ISREG(status.st_mode):
            raise PluginError(f"{path} cannot be read: it is no file")
        if status.st_size > MAX_MANIFEST:
            raise PluginError(f"{path} has over {MAX_MANIFEST:,} bytes, which is no manifest")
        return parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PluginError(f"it has no manifest: {path} is missing") from None
    except OSError as error:
        raise PluginError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, no TOML, or a number that no int can be made of
        raise PluginError(f"{MANIFEST} is not TOML: {one_line(error)}") from error
    except RecursionError:
        raise PluginError(f"{MANIFEST} is nested too deep") from None
