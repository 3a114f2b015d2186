"""What a reference means: a model in the list, a model file, or a folder in another format."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.foreign import Files
from genzoo.files.listing import LocalSource
from genzoo.files.model_file import ModelFileHeader, read_header
from genzoo.files.shards import SUFFIX
from genzoo.models.formats import ModelFolder, find_folder, find_single, no_format
from genzoo.models.weights import Found, check_digest, has_scheme, resolve_reference
from genzoo.text import one_line, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, GenzooError, HubError, PluginError, UsageError
from genzoo_core.plugin import Model
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue

SOURCE_HOOK = "genzoo_source"


def find(catalogue: Catalogue, reference: str | os.PathLike[str], variant: str = "") -> Found:
    """What a reference means: a name, a path, or "scheme://…".

    The file that "scheme://…" names is fetched; of a folder, what its format reads later.
    `variant` says which of several files of weights is wanted of a folder.

    Raises:
        UsageError: No such model, or several; names the choices. No format reads the folder.
        WeightsError: The folder holds what is not read.
        PluginError: The plugin that would own it is broken.
    """
    found = _find(catalogue, reference, variant)
    if isinstance(found, Model) and found.added:
        found = _of_added(catalogue, found, variant)
    if isinstance(found, ModelFolder):
        found.files.open_other = partial(_other, catalogue)
    elif variant:
        raise UsageError(f"{found.name} is one file: it has no variant {quoted(variant)}")
    return found


def _find(catalogue: Catalogue, reference: str | os.PathLike[str], variant: str) -> Found:
    if isinstance(reference, os.PathLike):
        # `Path("mine")` means a file, though "mine" would mean a model.
        reference = os.path.join(os.curdir, os.fspath(reference))
    if not isinstance(reference, str):
        raise UsageError(f"{quoted(reference)} names no model; give a name or a path")
    if has_scheme(reference):
        if files := _files_elsewhere(catalogue, reference, variant):
            return _in_format(catalogue, reference, files)
        file = resolve_reference(reference, catalogue.call_hook)
        return find_single(catalogue, file.path, reference) or file
    # `os.path`'s tests, unlike Path's, are for names of any length.
    if is_path(reference):
        path = os.path.expanduser(reference)
        if not os.path.lexists(path):
            path = os.path.normpath(path)
            what = "file" if os.path.splitext(path)[1] else "folder or file"
            raise UsageError(
                f"there is no {what} {path}", "`genzoo list` shows the models there are"
            )
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
        if files := _files_elsewhere(catalogue, weights, wanted):
            folder = _in_format(catalogue, weights, files)
    elif os.path.exists(weights):
        folder = _at(catalogue, weights, wanted)
    if not isinstance(folder, ModelFolder):
        return model
    return replace(folder, added=model) if wanted == model.variant else folder


def _files_elsewhere(catalogue: Catalogue, reference: str, variant: str = "") -> Files | None:
    """The files of what "scheme://…" names, where that is no single file."""
    for source in catalogue.call_hook(SOURCE_HOOK, reference=reference):
        try:
            return Files(source, variant)
        except GenzooError:
            raise
        except Exception as error:
            raise PluginError(
                f"{SOURCE_HOOK} gave no Source of {quoted(reference)}: {one_line(error)}"
            ) from error
    return None


def _in_format(catalogue: Catalogue, reference: str, files: Files) -> WeightsFile | ModelFolder:
    """The folder in its format, or the one model file that a plugin takes it for."""
    if folder := find_folder(catalogue, files):
        return folder
    try:
        return resolve_reference(reference, catalogue.call_hook)
    except HubError:
        files.checked.refuse_pickles()
        raise
    except (ConfigError, UsageError) as error:
        raise no_format(catalogue, files) from error


def _at(catalogue: Catalogue, path: str, variant: str) -> WeightsFile | ModelFolder:
    """What lies at a path."""
    if not os.path.isdir(path):
        return find_single(catalogue, Path(path)) or WeightsFile(Path(path))
    files = Files(LocalSource(path), variant)
    if (found := find_folder(catalogue, files)) is None:
        raise no_format(catalogue, files)
    return found


def _other(catalogue: Catalogue, reference: str) -> Files:
    """Another folder, which a format needs beside its own."""
    if not has_scheme(reference):
        return Files(LocalSource(os.path.expanduser(reference)))
    if (files := _files_elsewhere(catalogue, reference)) is None:
        raise UsageError(f"{quoted(reference)} names no folder", "give hf://owner/repo")
    return files


def is_path(reference: str) -> bool:
    """Whether a reference can only mean a file; `distribution/name` means a model."""
    return not has_scheme(reference) and (
        reference.endswith(SUFFIX)
        or reference.startswith((".", "/", "~"))
        or reference.count("/") > 1
        or "\\" in reference
    )


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
