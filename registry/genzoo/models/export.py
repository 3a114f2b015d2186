"""Writing a model of the zoo to a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.write_model import write_model_file
from genzoo.models.build import own_parameters
from genzoo.models.find import find
from genzoo.models.open import PART_PREFIX, open_model, read_file
from genzoo_core.errors import WeightsError
from genzoo_core.specs import ModelSpec, PartSpec

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.cards import ModelCard


def export_model(
    catalogue: Catalogue, reference: str, path: Path, *, whole: bool = False
) -> ModelCard:
    """Write a model to one file, its tensors bit for bit as they are stored.

    Args:
        catalogue: Where models are found.
        reference: A model's name, or the path of a model file.
        path: Where to; an existing file is replaced.
        whole: Put the shared parts into the file, so that it needs no other.

    Returns:
        The model's card with the file's `sha256`, `size` and `parameters`.

    Raises:
        GenzooError: The model cannot be loaded, or the file cannot be written.
    """
    found = find(catalogue, reference)
    opened, file = open_model(catalogue, found), read_file(catalogue, found)
    assert opened.model is not None  # what was opened by name or path is one
    spec = opened.spec
    tensors = {name: file.tensor(name) for name in file.header.tensors}
    if whole:
        spec = _inline_parts(catalogue, spec, tensors, "")
    card = msgspec.structs.replace(opened.model.card, parameters=own_parameters(opened))
    sha256, size = write_model_file(path, spec, tensors, card)
    return msgspec.structs.replace(card, sha256=sha256, size=size, weights="")


def _inline_parts(
    catalogue: Catalogue, spec: ModelSpec, tensors: dict[str, Tensor], prefix: str
) -> ModelSpec:
    """`spec` with all parts inline; adds their tensors to `tensors`."""
    parts: dict[str, PartSpec] = {}
    for role, part in spec.parts.items():
        inner_prefix = f"{prefix}{PART_PREFIX}{role}."
        inline = part.inline or _add_part(catalogue, part, tensors, inner_prefix)
        inline = _inline_parts(catalogue, inline, tensors, inner_prefix)
        parts[role] = PartSpec(part.model, part.sha256, inline)
    return msgspec.structs.replace(spec, parts=parts)


def _add_part(
    catalogue: Catalogue, part: PartSpec, tensors: dict[str, Tensor], prefix: str
) -> ModelSpec:
    clash = next((name for name in tensors if name.startswith(prefix)), None)
    if clash is not None:
        raise WeightsError(f"the model's own tensor {clash!r} has the name of a part's")
    found = find(catalogue, part.model)
    file = read_file(catalogue, found)
    tensors.update({prefix + name: file.tensor(name) for name in file.header.tensors})
    return open_model(catalogue, found).spec
