"""Where weights come from: a plugin's package, a path, or what a hook knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import ConfigError, HubError, PluginError, UsageError

if TYPE_CHECKING:
    from genzoo.installed.records import ModelEntry, PluginRecord

SUFFIX = ".safetensors"
RESOLVE_HOOK = "genzoo_resolve_weights"


def is_path(reference: str) -> bool:
    """Whether a reference can only mean a file; `distribution/name` means a model."""
    return (
        reference.endswith(SUFFIX)
        or reference.startswith((".", "/", "~"))
        or reference.count("/") > 1
        or "\\" in reference
    )


def model_file(reference: str) -> Path:
    """The file that a path names.

    Raises:
        UsageError: There is none.
    """
    path = os.path.expanduser(reference)
    if not os.path.exists(path):  # unlike Path's, for names of any length
        raise UsageError(f"there is no file {path}", "`genzoo list` shows the models there are")
    return Path(path)


def resolve_weights(entry: ModelEntry, call_hook: Callable[..., list[Any]]) -> Path:
    """The file on this machine that holds a model's weights.

    Args:
        entry: The model. The card of a dynamic one may name any file of this machine.
        call_hook: Calls `genzoo_resolve_weights` where the card's reference has a scheme.

    Raises:
        UsageError: The model has no weights.
        ConfigError: The card's path leaves the plugin's package.
        PluginError: The package lacks the file.
        HubError: No plugin knows the reference.
    """
    reference = entry.card.weights
    if not reference:
        raise UsageError(f"{entry.name} has no weights", "train it: `genzoo train` makes them")
    if "://" in reference:
        return _from_hook(entry, reference, call_hook)
    if entry.dynamic:
        return model_file(reference)
    return file_in_package(entry.plugin, reference, f"weights of {entry.name}")


def file_in_package(plugin: PluginRecord, path: str, what: str) -> Path:
    """A file that a manifest names, inside the plugin's package.

    Raises:
        ConfigError: The path is absolute, goes up, or is a link that leaves the package.
        PluginError: There is no such file.
    """
    pure = PurePosixPath(path)
    outside = pure.is_absolute() or PureWindowsPath(path).drive or "\\" in path or "\0" in path
    if outside or ".." in pure.parts:
        raise ConfigError(f"{what}: {path!r} leaves the plugin's folder", "name a file inside it")
    if plugin.folder is None:
        raise PluginError(f"{what}: plugin {plugin.name} has no folder")
    folder = plugin.folder.resolve()
    file = (folder / pure).resolve()
    if not file.is_relative_to(folder):
        raise ConfigError(f"{what}: {path!r} is a link that leaves the plugin's folder")
    if not file.is_file():
        raise PluginError(
            f"{what}: {plugin.distribution} lacks its file {path!r}",
            "install the plugin again, or train the model if it has a recipe",
        )
    return file


def _from_hook(entry: ModelEntry, reference: str, call_hook: Callable[..., list[Any]]) -> Path:
    found = call_hook(RESOLVE_HOOK, reference=reference, sha256=entry.card.sha256)
    for path in found:
        if path is not None:
            return Path(path)
    raise HubError(
        f"no plugin can fetch {reference!r}, the weights of {entry.name}",
        f"install one whose hook {RESOLVE_HOOK} knows this address",
    )
