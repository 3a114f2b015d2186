"""Finding plugins through their entry points, without importing them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from genzoo.files.strict_toml import read_toml
from genzoo.plugins.distributions import Installed, distributions, installed
from genzoo.plugins.manifests import FIGURES, check_manifest, names_in, with_figures
from genzoo.plugins.names import normalise
from genzoo.text import SHOWN, as_message, listed, one_line, printable, quoted, shortened
from genzoo_core.errors import ConfigError, PluginError, UsageError, did_you_mean
from genzoo_core.plugin import DISTRIBUTION, Plugin

GROUP = "genzoo"
MANIFEST = "genzoo.toml"

MAX_PLUGINS = 100
"""Most plugins of one distribution."""

VERSION = re.compile(r"[A-Za-z0-9._+!-]{0,100}")


def discover(*, no_plugins: bool) -> tuple[tuple[Plugin, ...], list[str]]:
    """Every plugin that is installed: genzoo's own first, then by distribution and name.

    Runs no code of a plugin, and reads nothing of those that the user leaves out. The second value
    is the files whose times and sizes show whether this still holds.
    """
    found = sorted(_entry_points(), key=lambda f: (not f[0].builtin, f[0].distribution, f[0].name))
    _refuse_unknown([plugin for plugin, _ in found])
    plugins = _required([_read(plugin, no_plugins) for plugin, _ in found])
    folders = [plugin.location for plugin in plugins if plugin.location]
    read = [os.path.join(folder, name) for folder in folders for name in (MANIFEST, FIGURES)]
    return plugins, [*(file for _, file in found), *read]


def _required(plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The plugins; one that requires what is missing, disabled or broken is broken itself."""
    states = {_full_name(plugin): plugin.status for plugin in plugins}
    needs: dict[str, list[str]] = {}
    for plugin in plugins:
        if plugin.manifest:
            required = (name.partition("/") for name in plugin.manifest.requires)
            needs[_full_name(plugin)] = [f"{normalise(d)}/{name}" for d, _, name in required]
    errors: dict[str, str] = {}
    order: list[str] = []
    while not order and needs:
        try:
            order = list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            circle = error.args[1][::-1]  # each requires the next
            text = f"plugins require each other: {' → '.join(circle)}"
            errors.update(dict.fromkeys(circle, text))
            needs = {name: each for name, each in needs.items() if name not in circle}
    for name in order:
        for need in needs.get(name, ()):
            if need in errors or states.get(need) != "ok":
                state = "broken" if need in errors else states.get(need, "not installed")
                errors.setdefault(name, f"it requires {need}, which is {state}")
    return tuple(_broken(each, errors.get(_full_name(each))) for each in plugins)


def _broken(plugin: Plugin, error: str | None) -> Plugin:
    if error is None or plugin.manifest is None:
        return plugin
    models = [card.name for card in plugin.manifest.models]
    lost = (*models, *(entry.name for entry in plugin.manifest.components))
    return replace(plugin, manifest=None, error=as_message(error), lost=lost)


def _full_name(plugin: Plugin) -> str:
    return f"{plugin.distribution}/{plugin.name}"


def _admits(plugin: Plugin, no_plugins: bool) -> bool:
    """Whether the user wants `plugin`; genzoo's own always, unless they are disabled."""
    only = _named_in("GENZOO_PLUGINS")
    if _among(plugin, _named_in("GENZOO_DISABLE") or ()):
        return False
    return plugin.builtin or (not no_plugins and (only is None or _among(plugin, only)))


def _named_in(variable: str) -> list[str] | None:
    """Distributions and entry points that a variable of the environment names; None if unset."""
    names = os.environ.get(variable)
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _among(plugin: Plugin, names: Sequence[str]) -> bool:
    return any(name == plugin.name or normalise(name) == plugin.distribution for name in names)


def _refuse_unknown(plugins: Sequence[Plugin]) -> None:
    valid = sorted({name for p in plugins for name in (p.name, p.distribution)})
    for variable in ("GENZOO_PLUGINS", "GENZOO_DISABLE"):
        for name in _named_in(variable) or ():
            if name not in valid and normalise(name) not in valid:
                hint = did_you_mean(name, valid) or f"known: {listed(valid)}"
                what = f"{variable} names {quoted(name)}, which no installed plugin has"
                raise UsageError(what, hint)


def _entry_points() -> Iterator[tuple[Plugin, str]]:
    """The plugins, and the file that each is named in."""
    # A folder that is on the path twice is looked into twice.
    for folder, distribution in {d.folder: d for d in distributions()}.items():
        file = str(folder / "entry_points.txt")
        if distribution.set_aside:
            continue
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (PermissionError, UnicodeDecodeError):
            continue
        except OSError as error:
            # A pipe, for example: other libraries would wait for it, so it is shown.
            yield _well_formed(_unreadable(folder, error), folder), file
            continue
        if GROUP in text:
            for plugin in _plugins_of(distribution):
                yield _well_formed(plugin, folder), file


def _plugins_of(distribution: Installed) -> Iterator[Plugin]:
    folder = distribution.folder
    name, _, version = folder.stem.partition("-")
    counting = installed(name)
    if counting is None or counting.folder != folder:
        return
    try:
        called = distribution.metadata["Name"] or name
        if folder.suffix == ".dist-info" and normalise(called) != normalise(name):
            # Commands name it, and pip goes by the folder; nor may it pass for genzoo itself.
            raise ValueError(f"it says that its name is {quoted(called)}")
        name, version = called, distribution.metadata["Version"] or version
        found = distribution.entry_points.select(group=GROUP)
        if len(found) > MAX_PLUGINS:
            raise ValueError(f"it names {len(found)} plugins; at most {MAX_PLUGINS} are read")
        for entry_point in found:
            yield Plugin(entry_point.name, normalise(name), version, entry_point.value)
    except Exception as error:
        yield _unreadable(folder, error)  # whatever a malformed file makes the parsers raise


def _unreadable(folder: Path, error: Exception) -> Plugin:
    name, _, version = folder.stem.partition("-")
    text = f"its metadata in {folder.name} cannot be read: {one_line(error)}"
    return Plugin(name, normalise(name), version, error=as_message(text))


def _well_formed(plugin: Plugin, folder: Path) -> Plugin:
    """`plugin`, or a broken one: its names stand in messages, and in commands to type."""
    fields = {
        "name": plugin.name if plugin.name.isprintable() and len(plugin.name) <= SHOWN else None,
        "distribution": DISTRIBUTION.fullmatch(plugin.distribution),
        "version": VERSION.fullmatch(plugin.version),
    }
    malformed = {field: getattr(plugin, field) for field, fine in fields.items() if fine is None}
    if not malformed:
        return plugin
    field, text = next(iter(malformed.items()))
    readable = {field: shortened(printable(text), SHOWN) for field, text in malformed.items()}
    error = plugin.error or f"its {field} {quoted(text)} is malformed; {folder} says it"
    return replace(plugin, **readable, error=as_message(error))


def _read(plugin: Plugin, no_plugins: bool) -> Plugin:
    """`plugin` with its manifest, or as disabled or broken."""
    if not _admits(plugin, no_plugins):
        return replace(plugin, disabled=True, error="")
    if plugin.error:
        return plugin
    lost: tuple[str, ...] = ()
    try:
        folder = _package_folder(plugin.module)
        plugin = replace(plugin, location=str(folder))
        data = _parse(folder / MANIFEST)
        lost = names_in(data)
        return replace(plugin, manifest=with_figures(check_manifest(data, folder), folder))
    except (PluginError, ConfigError) as error:
        return replace(plugin, error=str(error), lost=lost)
    except Exception as error:  # whatever else a file of a stranger makes the libraries raise
        return replace(plugin, error=one_line(error), lost=lost)


def _package_folder(module: str) -> Path:
    """Folder of a top-level package, found without running anything of it."""
    if not module.isidentifier():
        raise PluginError(f"its entry point must name a top-level package, not {quoted(module)}")
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
        return read_toml(path)
    except FileNotFoundError:
        raise PluginError(f"it has no manifest: {path} is missing") from None
    except OSError as error:
        raise PluginError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, no TOML, or a number that no int can be made of
        raise PluginError(f"{MANIFEST} is not TOML: {one_line(error)}") from error
    except RecursionError:
        raise PluginError(f"{MANIFEST} is nested too deep") from None
