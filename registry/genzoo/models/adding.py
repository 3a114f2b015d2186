"""Adding models to the user's own list, and taking them out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from genzoo.files.folders import models_folder
from genzoo.files.shards import SUFFIX
from genzoo.models.find import card_of, find, is_path
from genzoo.models.formats import ModelFolder
from genzoo.models.weights import check_digest, has_scheme
from genzoo.plugins.added import AddedModel, editing
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.manifests import NAME
from genzoo.plugins.names import normalise
from genzoo.text import listed, quoted
from genzoo_core.atomic import becoming, becoming_folder
from genzoo_core.cards import ModelCard
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.plugin import Model
from genzoo_core.weights import WeightsFile


def add_model(
    catalogue: Catalogue,
    reference: str,
    *,
    name: str | None = None,
    variant: str = "",
    copy: bool = False,
) -> ModelCard:
    """Put a model into the list: a model file, a folder, or what "scheme://…" names.

    A folder in a format of others is loaded once: its digest is that of what its format reads.
    A file that has changed since it was added is added anew, by the same name.
    `name` is by default that in its card, or that of its file. `copy` puts a copy into genzoo's
    folder, so that the original may go.

    Raises:
        UsageError: It is no model, it is in the list already, or the name is taken or malformed.
        GenzooError: It cannot be fetched or read, or the list cannot be written.
    """
    found = find(catalogue, reference, variant)
    if isinstance(found, Model) or (isinstance(found, ModelFolder) and found.added):
        raise UsageError(
            f"{quoted(reference)} is in the list already", "name a model file, or hf://owner/repo"
        )
    files: Mapping[str, str] = {}
    if isinstance(found, ModelFolder):
        from genzoo.models.open import open_model  # imports torch

        opened = open_model(catalogue, found)
        assert opened.model is not None  # the folder
        card, files = opened.model.card, opened.files
    else:
        card = card_of(found)
    name = card.name if name is None else name
    # What ends so is a path, wherever a model is named.
    if not NAME.fullmatch(name) or is_path(name):
        raise UsageError(
            f"{quoted(name)} is no name of a model: small letters, digits, '.', '_', '-'",
            "give one with --name",
        )
    weights = "" if copy else _lasting(found)
    with editing() as models:
        there = next((each for each in models if each.card.name == name), None)
        known = any(model.added and model.name == name for model in catalogue.models)
        same = there and (there.card.weights, there.card.sha256) == (weights, card.sha256)
        if there and same and not known:
            catalogue.add(there)  # another process put it there meanwhile
            return there.card
        # The same file with other content takes the place of what it was.
        models[:] = [
            each
            for each in models
            if (each.card.name, each.card.weights) != (name, weights)
            or each.card.sha256 == card.sha256
        ]
        _check_free(catalogue, name, models)
        if copy and isinstance(found, ModelFolder):
            weights = _copy_folder(found, name, files)
        elif copy and isinstance(found, WeightsFile):
            weights = _copy(found, name, card.sha256)
        card = msgspec.structs.replace(card, name=name, recipe="", aliases=(), weights=weights)
        added = AddedModel(card, variant)
        models.append(added)
    catalogue.add(added)
    return card


def remove_model(catalogue: Catalogue, name: str) -> tuple[ModelCard, bool]:
    """Take a model out of the list: its card, and whether a copy that `add_model` made is deleted.

    Raises:
        UsageError: It is not in the list; says whose it is.
        GenzooError: The list cannot be written.
    """
    with editing() as models:
        found = next((model for model in models if model.card.name == name), None)
        if found is None:
            raise _not_added(catalogue, name, [model.card.name for model in models])
        models.remove(found)
    copies = (_copies() / name, _copies() / f"{name}{SUFFIX}")
    copy = next((path for path in copies if str(path) == found.card.weights), None)
    if copy is not None:
        _delete(copy)
    return found.card, copy is not None


def _not_added(catalogue: Catalogue, name: str, added: Sequence[str]) -> UsageError:
    installed = [model for model in catalogue.models if not model.added]
    for model in installed:
        if name in (model.bare, model.name, *model.aliases) and model.plugin is not None:
            removal = model.plugin.removal
            return UsageError(
                f"{model.name} is not in your own list: it comes with "
                f"{f'the plugin {model.plugin}' if removal else 'genzoo itself'}",
                f"`{removal}` removes the plugin" if removal else None,
            )
    there = f"it has {listed(added)}" if added else "it is empty"
    near = did_you_mean(name, added)
    return UsageError(f"no model {quoted(name)} is in your own list", near or there)


def _check_free(catalogue: Catalogue, name: str, added: Sequence[AddedModel]) -> None:
    """Refuse, as a `UsageError`, a name that something else has."""
    another = "give another one with --name"
    for each in added:
        if each.card.name == name:
            raise UsageError(
                f"{name} is in your list already: {each.card.weights}",
                f"`genzoo rm {name}` takes it out; or {another}",
            )
    catalogue.add_dynamic()
    for model in catalogue.models:
        if name in (model.bare, *model.aliases) and not model.added:
            raise UsageError(f"{name} is a name of the model {model.name}", another)
    for plugin in catalogue.plugins:
        if name in (plugin.name, *plugin.lost) or normalise(name) == plugin.distribution:
            raise UsageError(f"{name} is a name of the plugin {plugin}", another)


def _lasting(found: WeightsFile | ModelFolder) -> str:
    """Its reference, as it is found from any folder."""
    name = found.name if has_scheme(found.name) else os.path.abspath(found.name)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name of {name} is no text", "rename it, or --copy it") from None
    return name


def _copy(file: WeightsFile, name: str, sha256: str) -> str:
    """Path of a copy in genzoo's folder, with the digest of the file that was looked at."""
    target = _copies() / f"{name}{SUFFIX}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with becoming(target) as temporary:
        shutil.copyfile(file.path, temporary)
        check_digest(WeightsFile(temporary, sha256=sha256))
    return str(target)


def _copy_folder(folder: ModelFolder, name: str, digests: Mapping[str, str]) -> str:
    """Path of a copy in genzoo's folder: what the format has read, and its markers."""
    target = _copies() / name
    _delete(target)  # a leftover: nothing in the list has the name
    target.parent.mkdir(parents=True, exist_ok=True)
    with becoming_folder(target) as temporary:
        for file in sorted({*digests, *folder.format.entry.markers}):
            copy = temporary / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder.files.checked.source.fetch(file), copy)
            check_digest(WeightsFile(copy, sha256=digests.get(file, "")))
    return str(target)


def _delete(copy: Path) -> None:
    if copy.is_dir() and not copy.is_symlink():
        shutil.rmtree(copy)
    else:
        copy.unlink(missing_ok=True)


def _copies() -> Path:
    """Folder of the copies."""
    return Path(models_folder() or "", "models")
