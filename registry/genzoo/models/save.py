"""Saving a model as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.dtypes import DTYPE_NAME
from genzoo.files.write_model import write_model_file
from genzoo.models.build import own_parameters
from genzoo.models.fill import check_tensors
from genzoo.models.open import build_blueprint
from genzoo_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.cards import ModelCard
    from genzoo_core.specs import ModelSpec


def save_model(
    catalogue: Catalogue,
    path: Path,
    spec: ModelSpec,
    tensors: Mapping[str, Tensor],
    card: ModelCard,
) -> ModelCard:
    """Write a model file after checking that it can be loaded again.

    Parts that only training asks for are left out of the file's description.

    Args:
        catalogue: Where components are found.
        path: Where to; an existing file is replaced.
        spec: What the tensors belong to.
        tensors: Those of the module that is built for sampling, as they are to be stored.
        card: What is known of the model.

    Returns:
        The card with `sha256`, `size` and `parameters` filled in.

    Raises:
        ConfigError: The card is of another kind than the spec.
        WeightsError: The tensors are not those of the model, or the file cannot be written.
    """
    if card.kind != spec.kind:
        raise ConfigError(f"the card says {card.kind!r}, but a {spec.kind!r} is to be saved")
    built = build_blueprint(catalogue, spec)
    declared = {
        name: (DTYPE_NAME.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape))
        for name, tensor in tensors.items()
    }
    check_tensors(built, declared, f"what is to be saved as {path.name}")
    card = msgspec.structs.replace(card, parameters=own_parameters(built))
    sha256, size = write_model_file(path, built.spec, tensors, card)
    return msgspec.structs.replace(card, sha256=sha256, size=size)
