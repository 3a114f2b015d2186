"""Writing a model as one file: one that was trained, or one of the zoo."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.dtypes import DTYPE_NAME
from genzoo.files.writing import write_model_file
from genzoo.models.build import build_blueprint
from genzoo.models.fill import check_tensors
from genzoo.models.find import card_in
from genzoo.models.formats import ModelFolder
from genzoo.models.open import PART_PREFIX, Loader, open_model, read_file
from genzoo_core.errors import ConfigError, UsageError, WeightsError
from genzoo_core.plugin import Model
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.models.weights import Found
    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.cards import ModelCard


def save_model(
    catalogue: Catalogue,
    path: Path,
    spec: ModelSpec,
    tensors: Mapping[str, Tensor],
    card: ModelCard,
    *,
    modelspec: bool = True,
) -> ModelCard:
    """Write a model file after checking that it can be loaded; the card, as `_write` fills it in.

    Parts that training alone uses are left out of the file's description; `tensors` are those
    of the module that is built for sampling.

    Raises:
        ConfigError: The card is of another kind than the spec.
        WeightsError: The tensors are not those of the model, or the file cannot be written.
    """
    if card.kind != spec.kind:
        raise ConfigError(f"the card says {card.kind!r}, but a {spec.kind!r} is to be saved")
    spec, parts, _ = Loader(catalogue).parts(spec)
    built = build_blueprint(catalogue, spec, parts)
    declared = {
        name: (DTYPE_NAME.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape))
        for name, tensor in tensors.items()
    }
    check_tensors(built, declared, f"what is to be saved as {path.name}")
    return _write(path, built, tensors, card, modelspec=modelspec)


def export_model(
    catalogue: Catalogue,
    found: Found,
    path: Path,
    *,
    whole: bool = False,
    modelspec: bool = True,
    replace: bool = False,
) -> ModelCard:
    """Write a model to one file, its tensors bit for bit as they are stored; the card, likewise.

    Those of a folder in a format of others have the same values; what no file of genzoo's holds
    (float8, for example) is stored in the next larger dtype. `whole` puts the shared parts into the
    file, so that it needs no other; `modelspec` adds to its header what other programs read.

    Raises:
        FileExistsError: The file exists, and `replace` is False.
        UsageError: It lies in a folder whose format gives no description of it.
    """
    opened, tensors, card = _read(catalogue, found)
    if whole:
        spec = _inline_parts(catalogue, opened.spec, tensors, "")
        opened = dataclasses.replace(opened, spec=spec)
    card = msgspec.structs.replace(card, weights="")
    return _write(path, opened, tensors, card, modelspec=modelspec, replace=replace)


def _read(catalogue: Catalogue, found: Found) -> tuple[Opened, dict[str, Tensor], ModelCard]:
    """A model with its tensors as they are stored, and its card."""
    if isinstance(found, ModelFolder):
        opened, stored = Loader(catalogue).folder(found)
        if stored is None or opened.model is None:
            raise UsageError(
                f"{found.name} cannot be exported: its format, {opened.format}, builds the model "
                "itself, so no file can say what to build",
                "run it from its folder",
            )
        return opened, {name: stored.tensor(name) for name in stored.tensors}, opened.model.card
    opened, file = open_model(catalogue, found), read_file(catalogue, found)
    card = found.card if isinstance(found, Model) else card_in(file.header, file.path)
    return opened, {name: file.tensor(name) for name in file.header.tensors}, card


def _write(
    path: Path,
    built: Opened,
    tensors: Mapping[str, Tensor],
    card: ModelCard,
    *,
    modelspec: bool,
    replace: bool = True,
) -> ModelCard:
    """Write the file; the card with its `sha256`, `size` and `parameters`."""
    own = {p for module in built.own_modules().values() for p in module.parameters(recurse=False)}
    card = msgspec.structs.replace(card, parameters=sum(p.numel() for p in own))
    sha256, size = write_model_file(
        path, built.spec, tensors, card, replace=replace, for_others=modelspec
    )
    return msgspec.structs.replace(card, sha256=sha256, size=size)


def _inline_parts(
    catalogue: Catalogue, spec: ModelSpec, tensors: dict[str, Tensor], prefix: str
) -> ModelSpec:
    """`spec` with all parts inline; adds their tensors to `tensors`."""
    parts: dict[str, PartSpec] = {}
    for role, part in spec.parts.items():
        inner, inline = f"{prefix}{PART_PREFIX}{role}.", part.inline
        if inline is None:
            clash = next((name for name in tensors if name.startswith(inner)), None)
            if clash is not None:
                raise WeightsError(f"the model's own tensor {clash!r} has the name of a part's")
            found = catalogue.find_model(part.model)
            file = read_file(catalogue, found)
            tensors.update({inner + name: file.tensor(name) for name in file.header.tensors})
            inline = open_model(catalogue, found).spec
        inline = _inline_parts(catalogue, inline, tensors, inner)
        parts[role] = PartSpec(part.model, part.sha256, inline)
    return msgspec.structs.replace(spec, parts=parts)
