"""Where weights come from: a plugin's package, a path, or what a hook knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import ConfigError, HubError, IntegrityError, PluginError, UsageError
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from genzoo.installed.records import ModelEntry, PluginRecord

SUFFIX = ".safetensors"
RESOLVE_HOOK = "genzoo_resolve_weights"
CACHED_HOOK = "genzoo_cached_weights"

CallHook = Callable[..., list[Any]]


def has_scheme(reference: str) -> bool:
    """Whether a reference is one for a plugin to resolve, "scheme://…"."""
    from genzoo.installed.manifests import REFERENCE

    return REFERENCE.match(reference) is not None


def is_path(reference: str) -> bool:
    """Whether a reference can only mean a file; `distribution/name` means a model."""
    return not has_scheme(reference) and (
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
        path = os.path.normpath(path)
        raise UsageError(f"there is no file {path}", "`genzoo list` shows the models there are")
    return Path(path)


def resolve_weights(
    entry: ModelEntry, call_hook: CallHook, *, download: bool = True
) -> WeightsFile:
    """The file on this machine that holds a model's weights, with the digest of its card.

    Args:
        entry: The model. The card of a dynamic one may name any file of this machine.
        call_hook: Calls a hook where the card's reference has a scheme.
        download: Whether a hook may fetch what is not here.

    Raises:
        UsageError: The model has no weights.
        ConfigError: The card's path leaves the plugin's package.
        IntegrityError: The card gives no sha256.
        PluginError: The package lacks the file.
        HubError: No plugin knows the reference, or what it names is not to be had.
    """
    reference, sha256 = entry.card.weights, entry.card.sha256
    if not reference:
        raise UsageError(f"{entry.name} has no weights", "train it: `genzoo train` makes them")
    if not sha256 and not entry.dynamic:
        raise IntegrityError(
            f"the card of {entry.name} gives no sha256 for its weights",
            "add it to the manifest of its plugin",
        )
    if has_scheme(reference):
        what = f"{reference!r}, the weights of {entry.name}"
        return resolve_reference(reference, call_hook, sha256=sha256, download=download, what=what)
    if entry.dynamic:
        return WeightsFile(model_file(reference), sha256=sha256)
    path = file_in_package(entry.plugin, reference, f"weights of {entry.name}")
    return WeightsFile(path, sha256=sha256)


def resolve_reference(
    reference: str,
    call_hook: CallHook,
    *,
    sha256: str = "",
    download: bool = True,
    what: str = "",
) -> WeightsFile:
    """The file that a reference with a scheme names, through the hook of a plugin that knows it.

    Args:
        reference: "scheme://…".
        call_hook: Calls a hook.
        sha256: Digest that the file must have; "" where none is known.
        download: Whether the hook may fetch what is not here.
        what: The reference in a message.

    Raises:
        HubError: No plugin knows the reference, or it is not on this machine.
        GenzooError: What the plugin that knows it says.
    """
    what = what or repr(reference)
    hook = RESOLVE_HOOK if download else CACHED_HOOK
    for found in call_hook(hook, reference=reference, sha256=sha256):
        if isinstance(found, WeightsFile):
            promised = sha256 or found.sha256
            return WeightsFile(found.path, found.reference or reference, promised)
        return WeightsFile(Path(found), reference, sha256)
    if download:
        raise HubError(
            f"no plugin can fetch {what}",
            f"install one whose hook {RESOLVE_HOOK} knows this address",
        )
    raise HubError(f"{what}: it is not on this machine", "`genzoo pull` fetches it")


def check_digest(weights: WeightsFile) -> WeightsFile:
    """The same file with the sha256 that it has.

    Raises:
        IntegrityError: It is not the one that was promised.
        WeightsError: It cannot be read.
    """
    from dataclasses import replace
    from hashlib import file_digest

    from genzoo.modelfile.reading import check_sha256, open_file

    with open_file(weights.path) as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    check_sha256(str(weights.path), sha256, weights.sha256)
    return replace(weights, sha256=sha256)


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
