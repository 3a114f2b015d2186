"""What a reference means, and where its weights are: in a package, on a path, or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from genzoo.files.foreign import Files
from genzoo.files.listing import LocalSource
from genzoo.files.model_file import ModelFileHeader, check_sha256, open_file, read_header
from genzoo.files.shards import SUFFIX
from genzoo.models.formats import ModelFolder, find_folder, find_single, no_format
from genzoo.plugins.manifests import REFERENCE
from genzoo.text import one_line, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.downloads import downloads_allowed
from genzoo_core.errors import (
    ConfigError,
    GenzooError,
    HubError,
    IntegrityError,
    PluginError,
    UsageError,
)
from genzoo_core.formats import Source
from genzoo_core.plugin import Model, Plugin
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue

SOURCE_HOOK = "genzoo_source"
RESOLVE_HOOK = "genzoo_resolve_weights"
CACHED_HOOK = "genzoo_cached_weights"

Found = Model | WeightsFile | ModelFolder
"""What a reference can mean."""

FoundT = TypeVar("FoundT", ModelFolder, WeightsFile, "WeightsFile | ModelFolder")

CallHook = Callable[..., list[Any]]


def find(catalogue: Catalogue, reference: str | os.PathLike[str], variant: str = "") -> Found:
    """What a reference means: a model in the list, a model file, or a folder in another format.

    The file that "scheme://…" names is fetched; of a folder, what its format asks for later.

    Args:
        catalogue: What is installed.
        reference: A name, a path, or "scheme://…".
        variant: Which of several files of weights is wanted of a folder.

    Raises:
        UsageError: No such model, or several; names the choices. No format reads the folder.
        WeightsError: The folder holds what is not read.
        PluginError: The plugin that would own it is broken.
    """
    found = _find(catalogue, reference, variant)
    if isinstance(found, Model) and found.added:
        found = _of_added(catalogue, found, variant)
    if variant and not isinstance(found, ModelFolder):
        raise UsageError(f"{found.name} is one file: it has no variant {quoted(variant)}")
    return found


def _find(catalogue: Catalogue, reference: str | os.PathLike[str], variant: str) -> Found:
    if isinstance(reference, os.PathLike):
        # `Path("mine")` means a file, though "mine" would mean a model.
        reference = os.path.join(os.curdir, os.fspath(reference))
    if not isinstance(reference, str):
        raise UsageError(f"{quoted(reference)} names no model; give a name or a path")
    if has_scheme(reference):
        files = _files_elsewhere(catalogue, reference, variant)
        if files is None:
            file = resolve_reference(reference, catalogue.call_hook)
            return _single(catalogue, file.path, reference) or file
        return _in_format(catalogue, reference, files)
    # `os.path`'s tests, unlike Path's, are for names of any length.
    if is_path(reference):
        path = os.path.expanduser(reference)
        if not os.path.lexists(path):
            path = os.path.normpath(path)
            raise UsageError(f"there is no file {path}", "`genzoo list` shows the models there are")
        return _at(catalogue, path, variant)
    try:
        return catalogue.find_model(reference)
    except UsageError:
        if os.path.isfile(reference) or os.path.isdir(reference):
            return _at(catalogue, reference, variant)
        raise


def _of_added(catalogue: Catalogue, model: Model, variant: str) -> Model | ModelFolder:
    """A model of the user's own list: itself, or the folder that it is in another format."""
    weights, wanted = model.card.weights, variant or model.variant
    folder: WeightsFile | ModelFolder | None = None
    if has_scheme(weights):
        files = _files_elsewhere(catalogue, weights, wanted)
        folder = None if files is None else _in_format(catalogue, weights, files)
    elif os.path.exists(weights):
        folder = _at(catalogue, weights, wanted)
    if not isinstance(folder, ModelFolder):
        return model
    return replace(folder, added=model) if wanted == model.variant else folder


def _files_elsewhere(catalogue: Catalogue, reference: str, variant: str) -> Files | None:
    """The files of what "scheme://…" names, where that is no single file."""
    for source in catalogue.call_hook(SOURCE_HOOK, reference=reference):
        return _files_of(source, reference, variant)
    return None


def _in_format(catalogue: Catalogue, reference: str, files: Files) -> WeightsFile | ModelFolder:
    """The folder in its format, or the one model file that a plugin takes it for."""
    if folder := find_folder(catalogue, files):
        return _with_others(catalogue, folder)
    try:
        return resolve_reference(reference, catalogue.call_hook)
    except HubError:
        files.refuse_pickles()
        raise
    except (ConfigError, UsageError) as error:
        raise no_format(catalogue, files) from error


def _at(catalogue: Catalogue, path: str, variant: str) -> WeightsFile | ModelFolder:
    """What lies at a path."""
    if not os.path.isdir(path):
        return _single(catalogue, Path(path)) or WeightsFile(Path(path))
    files = Files(LocalSource(path), variant)
    if (found := find_folder(catalogue, files)) is None:
        raise no_format(catalogue, files)
    return _with_others(catalogue, found)


def _single(catalogue: Catalogue, path: Path, reference: str = "") -> ModelFolder | None:
    """A file in a format of others."""
    found = find_single(catalogue, path, reference)
    return found and _with_others(catalogue, found)


def _with_others(catalogue: Catalogue, found: FoundT) -> FoundT:
    """The same, whose format can ask for other folders."""

    def other(reference: str) -> Files:
        if has_scheme(reference):
            files = _files_elsewhere(catalogue, reference, "")
            if files is None:
                raise UsageError(f"{quoted(reference)} names no folder", "give hf://owner/repo")
            return files
        return Files(LocalSource(os.path.expanduser(reference)))

    if isinstance(found, ModelFolder):
        found.files.open_other = other
    return found


def _files_of(source: Source, reference: str, variant: str) -> Files:
    """What a plugin says that there is."""
    try:
        return Files(source, variant)
    except GenzooError:
        raise
    except Exception as error:
        raise PluginError(
            f"{SOURCE_HOOK} gave no Source of {quoted(reference)}: {one_line(error)}"
        ) from error


def has_scheme(reference: str) -> bool:
    """Whether a reference is one for a plugin to resolve, "scheme://…"."""
    return REFERENCE.match(reference) is not None


def is_path(reference: str) -> bool:
    """Whether a reference can only mean a file; `distribution/name` means a model."""
    return not has_scheme(reference) and (
        reference.endswith(SUFFIX)
        or reference.startswith((".", "/", "~"))
        or reference.count("/") > 1
        or "\\" in reference
    )


def weights_of(catalogue: Catalogue, found: Found) -> WeightsFile:
    """The file on this machine that holds what `find` found, with the digest of its card.

    Raises:
        UsageError: The model has no weights, or they are in no file of genzoo's.
        IntegrityError: Its card gives no sha256.
        HubError: No plugin knows the card's reference, or what it names is not to be had.
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
    """What to say of a model of the user's own list whose files have changed."""
    return IntegrityError(
        f"{model.card.weights} is not the file that was added as {model.name}",
        f"`genzoo rm {model.name}`, and add it again, if that is meant",
    )


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


def card_of(found: Found) -> ModelCard:
    """The card of what `find` found, without building the model."""
    if isinstance(found, Model):
        return found.card
    if isinstance(found, ModelFolder):
        return found.added.card if found.added else found.card()
    sha256 = check_digest(found).sha256
    header = read_header(found.path)
    return msgspec.structs.replace(card_in(header, found.path), sha256=sha256, size=header.size)


def card_in(header: ModelFileHeader, path: Path) -> ModelCard:
    """The card in a model file; one with its name alone where it holds none."""
    empty = ModelCard(name=path.stem, family="", summary="", kind=header.spec.kind)
    return header.card or empty


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
