"""Where the weights of a model are: in a plugin's package, on a path, or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from genzoo.files.model_file import check_sha256, open_file
from genzoo.models.formats import ModelFolder
from genzoo.plugins.manifests import REFERENCE
from genzoo.text import quoted
from genzoo_core.downloads import downloads_allowed
from genzoo_core.errors import ConfigError, HubError, IntegrityError, PluginError, UsageError
from genzoo_core.plugin import Model, Plugin
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue

RESOLVE_HOOK = "genzoo_resolve_weights"
CACHED_HOOK = "genzoo_cached_weights"

Found = Model | WeightsFile | ModelFolder
"""What a reference can mean: a model in the list, a model file, or a folder in another format."""

CallHook = Callable[..., list[Any]]


def has_scheme(reference: str) -> bool:
    """Whether a reference is one for a plugin to resolve, "scheme://…"."""
    return REFERENCE.match(reference) is not None


def weights_of(catalogue: Catalogue, found: Found) -> WeightsFile:
    """The file on this machine that holds what `find` found, with the digest of its card.

    Raises:
        UsageError: The model has no weights, or they are in no file of genzoo's.
        IntegrityError: Its card gives no sha256.
        HubError: No plugin knows the card's reference, or its file cannot be fetched.
    """
    if isinstance(found, WeightsFile):
        return found
    if isinstance(found, ModelFolder):
        raise UsageError(
            f"{found.name} is no file of genzoo's, but a folder in another format",
            f"`genzoo export {found.name} -o one.safetensors --whole` makes one of it",
        )
    weights, sha256 = found.card.weights, found.card.sha256
    if not weights:
        raise UsageError(f"{found.name} has no weights", "train it: `genzoo train` makes them")
    if not sha256 and not found.dynamic:
        raise IntegrityError(
            f"the card of {found.name} gives no sha256 for its weights",
            "add it to the manifest of its plugin",
        )
    if has_scheme(weights):
        what = f"{quoted(weights)}, the weights of {found.name}"
        return resolve_reference(weights, catalogue.call_hook, sha256=sha256, what=what)
    return WeightsFile(_file_of(found), sha256=sha256)


def weights_here(catalogue: Catalogue, model: Model) -> Path | None:
    """The file with a model's weights, unchecked, or None where it is not on this machine."""
    weights, sha256 = model.card.weights, model.card.sha256
    if not weights:
        return None
    if has_scheme(weights):
        found = catalogue.call_hook(CACHED_HOOK, reference=weights, sha256=sha256)
        return next((Path(getattr(one, "path", one)) for one in found), None)
    return _file_of(model)


def _file_of(model: Model) -> Path:
    """Where a card without a scheme says that the weights are; a hook's card may say anywhere."""
    if model.added and not os.path.lexists(model.card.weights):
        raise UsageError(
            f"{model.card.weights}, the file of {model.name}, is gone",
            f"put it back, or forget it with `genzoo rm {model.name}`",
        )
    if model.added or model.dynamic:
        return Path(model.card.weights)
    return file_in_package(model.plugin, model.card.weights, f"weights of {model.name}")


def resolve_reference(
    reference: str, call_hook: CallHook, *, sha256: str = "", what: str = ""
) -> WeightsFile:
    """The file that "scheme://…" names (`what`, in a message), through the hook of a plugin.

    Raises:
        HubError: No plugin knows the reference, or it is not on this machine.
    """
    what = what or quoted(reference)
    hook = RESOLVE_HOOK if downloads_allowed() else CACHED_HOOK
    for found in call_hook(hook, reference=reference, sha256=sha256):
        if isinstance(found, WeightsFile):
            promised = sha256 or found.sha256
            return WeightsFile(found.path, found.reference or reference, promised)
        return WeightsFile(Path(found), reference, sha256)
    if downloads_allowed():
        raise HubError(
            f"no plugin can fetch {what}",
            f"install one whose hook {RESOLVE_HOOK} knows this address",
        )
    raise HubError(f"{what}: it is not on this machine", "`genzoo pull` fetches it")


def check_digest(weights: WeightsFile) -> WeightsFile:
    """The same file with the sha256 that it has, which is the one that was promised."""
    with open_file(weights.path) as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    check_sha256(str(weights.path), sha256, weights.sha256)
    return WeightsFile(weights.path, weights.reference, sha256)


@contextmanager
def as_added(found: Found) -> Iterator[None]:
    """Within it, an error says where a file of the user's own list has changed."""
    try:
        yield
    except IntegrityError as error:
        if not isinstance(found, Model) or not found.added:
            raise
        raise another_than_added(found) from error


def another_than_added(model: Model) -> IntegrityError:
    """The error for a model of the user's own list whose files have changed."""
    return IntegrityError(
        f"{model.card.weights} is not the file that was added as {model.name}",
        f"`genzoo rm {model.name}`, and add it again, if that is meant",
    )


def file_in_package(plugin: Plugin | None, path: str, what: str) -> Path:
    """A file that a manifest names, inside the plugin's package and not by a link out of it."""
    pure = PurePosixPath(path)
    outside = pure.is_absolute() or PureWindowsPath(path).drive or "\\" in path or "\0" in path
    if outside or ".." in pure.parts:
        raise ConfigError(
            f"{what}: {quoted(path)} leaves the plugin's folder", "name a file inside it"
        )
    if plugin is None or plugin.folder is None:
        raise PluginError(f"{what}: its plugin has no folder")
    # `os.path`'s functions, unlike Path's, are for links to themselves and names of any length.
    folder = os.path.realpath(plugin.folder)
    file = Path(os.path.realpath(os.path.join(folder, pure)))
    if not file.is_relative_to(folder):
        raise ConfigError(f"{what}: {quoted(path)} is a link that leaves the plugin's folder")
    if not os.path.isfile(file):
        raise PluginError(
            f"{what}: {plugin.distribution} lacks its file {quoted(path)}",
            "install the plugin again, or train the model if it has a recipe",
        )
    return file
