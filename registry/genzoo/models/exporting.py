"""Writing a model of the zoo to a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.modelfile.reading import ModelFile, read_model_file
from genzoo.modelfile.writing import write_model_file
from genzoo.models.building import own_parameters
from genzoo.models.loading import PART_PREFIX, card_in, read_entry
from genzoo_core.errors import WeightsError
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.zoo import RegistryZoo
    from genzoo_core.cards import ModelCard


def export_model(zoo: RegistryZoo, reference: str, path: Path, *, whole: bool = False) -> ModelCard:
    """Write a model to one file, its tensors bit for bit as they are stored.

    Args:
        zoo: The registry.
        reference: A model's name, or the path of a model file.
        path: Where to; an existing file is replaced.
        whole: Put the shared parts into the file, so that it needs no other.

    Returns:
        The model's card with the file's `sha256`, `size` and `parameters`.

    Raises:
        GenzooError: The model cannot be loaded, or the file cannot be written.
    """
    loaded = zoo.open(reference)
    file, card = _read(zoo, reference)
    spec = loaded.built.spec
    tensors = {name: file.tensor(name) for name in file.header.tensors}
    if whole:
        spec = _inline_parts(zoo, spec, tensors, "")
    card = msgspec.structs.replace(card, parameters=own_parameters(loaded.built))
    sha256, size = write_model_file(path, spec, tensors, card)
    return msgspec.structs.replace(card, sha256=sha256, size=size, weights="")


def _read(zoo: RegistryZoo, reference: str) -> tuple[ModelFile, ModelCard]:
    found = zoo.find(reference)
    if isinstance(found, WeightsFile):
        file = read_model_file(found.path, sha256=found.sha256)
        return file, card_in(file)
    return read_entry(zoo.catalogue, found), found.card


def _inline_parts(
    zoo: RegistryZoo, spec: ModelSpec, tensors: dict[str, Tensor], prefix: str
) -> ModelSpec:
    """`spec` with all parts inline; adds their tensors to `tensors`."""
    parts: dict[str, PartSpec] = {}
    for role, part in spec.parts.items():
        inner_prefix = f"{prefix}{PART_PREFIX}{role}."
        inline = part.inline or _add_part(zoo, part, tensors, inner_prefix)
        inline = _inline_parts(zoo, inline, tensors, inner_prefix)
        parts[role] = PartSpec(part.model, part.sha256, inline)
    return msgspec.structs.replace(spec, parts=parts)


def _add_part(
    zoo: RegistryZoo, part: PartSpec, tensors: dict[str, Tensor], prefix: str
) -> ModelSpec:
    clash = next((name for name in tensors if name.startswith(prefix)), None)
    if clash is not None:
        raise WeightsError(f"the model's own tensor {clash!r} has the name of a part's")
    loaded = zoo.open(part.model)
    file, _ = _read(zoo, part.model)
    tensors.update({prefix + name: file.tensor(name) for name in file.header.tensors})
    return loaded.built.spec
