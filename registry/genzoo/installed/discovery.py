"""Finding plugins through their entry points, without importing them.

This is the cold path: what it finds is kept in the index (`genzoo.installed.index`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genzoo.installed.guard import one_line
from genzoo.installed.manifests import check_manifest, names_in
from genzoo.installed.names import normalise
from genzoo.installed.records import PluginRecord
from genzoo.installed.selection import Selection
from genzoo.strict_toml import parse_toml
from genzoo_core.errors import ConfigError, PluginError, UsageError, did_you_mean
from genzoo_core.manifest import Manifest

GROUP = "genzoo"
MANIFEST = "genzoo.toml"
MAX_MANIFEST = 2**24
"""Bytes of the largest manifest that is read; ten thousand cards take half of it."""


@dataclass(frozen=True)
class Found:
    """A plugin with what its manifest says.

    Attributes:
        record: The plugin.
        manifest: Its manifest; None for a broken or disabled one.
        lost: Names of the models and components that a broken one would have brought, as far
            as its manifest can be made out.
        watch: Files that tell by their time and size whether this still holds.
    """

    record: PluginRecord
    manifest: Manifest | None = None
    lost: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()


def discover(selection: Selection) -> list[Found]:
    """Every plugin that is installed: genzoo's own first, then by distribution and name.

    Runs no code of a plugin. Plugins that `selection` leaves out are listed as disabled, and
    nothing of them is read.

    Raises:
        UsageError: `selection` names a plugin that is not installed.
    """
    found = sorted(
        _entry_points(), key=lambda f: (not f.record.builtin, f.record.distribution, f.record.name)
    )
    _refuse_unknown(selection, [f.record for f in found])
    return [_read(f) if selection.admits(f.record) else _disabled(f) for f in found]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the plugin whose package lies in `folder`.

    Raises:
        PluginError: There is none, it cannot be read, or it is for a newer genzoo.
        ConfigError: It is not what its type says.
    """
    return check_manifest(_parse(folder / MANIFEST), folder)


def _disabled(found: Found) -> Found:
    return replace(found, record=replace(found.record, status="disabled", error=""))


def _refuse_unknown(selection: Selection, plugins: Sequence[PluginRecord]) -> None:
    known = {p.name for p in plugins} | {p.distribution for p in plugins}
    for variable, names in selection.named():
        for name in names:
            if name not in known and normalise(name) not in known:
                hint = did_you_mean(name, sorted(known)) or f"known: {', '.join(sorted(known))}"
                raise UsageError(f"{variable} names {name!r}, which no installed plugin has", hint)


def _entry_points() -> Iterator[Found]:
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt")
        except (OSError, UnicodeDecodeError):
            continue
        if text is None or GROUP not in text:
            continue
        yield from _entry_points_of(distribution)


def _entry_points_of(distribution: metadata.Distribution) -> Iterator[Found]:
    folder = Path(getattr(distribution, "_path", ""))  # no public way leads to it
    watch = (str(folder / "entry_points.txt"),)
    name, _, version = folder.stem.partition("-")
    try:
        name = distribution.metadata["Name"] or name
        version = distribution.metadata["Version"] or version
        if _is_shadowed(distribution, name):
            return
        for entry_point in distribution.entry_points.select(group=GROUP):
            record = PluginRecord(entry_point.name, entry_point.value, normalise(name), version)
            yield Found(record, watch=watch)
    except Exception as error:
        # The parsers raise whatever a malformed file makes them raise.
        record = PluginRecord(name, "", normalise(name), version, status="broken")
        error_text = f"its metadata in {folder.name} cannot be read: {one_line(error)}"
        yield Found(replace(record, error=error_text), watch=watch)


def _is_shadowed(distribution: metadata.Distribution, name: str) -> bool:
    """Whether an earlier entry of `sys.path` has the same distribution: that one counts."""
    first = metadata.distribution(name)
    return Path(str(first.locate_file(""))) != Path(str(distribution.locate_file("")))


def _read(found: Found) -> Found:
    """`found` with its manifest, or as broken."""
    record = found.record
    if record.status == "broken":
        return found
    lost: tuple[str, ...] = ()
    watch = found.watch
    try:
        folder = _package_folder(record.module)
        record = replace(record, location=str(folder))
        watch = (*watch, str(folder / MANIFEST))
        data = _parse(folder / MANIFEST)
        lost = names_in(data)
        manifest = check_manifest(data, folder)
    except (PluginError, ConfigError) as error:
        broken = replace(record, status="broken", error=str(error))
        return Found(broken, lost=lost, watch=watch)
    record = replace(record, summary=manifest.summary, hooks=manifest.hooks)
    return Found(record, manifest, watch=watch)


def _package_folder(module: str) -> Path:
    """Folder of a top-level package, found without running anything of it.

    Raises:
        PluginError: There is none, or it is not a plain package on disk.
    """
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


def _parse(path: Path) -> Mapping[str, Any]:
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
