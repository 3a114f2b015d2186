"""What a model file says of itself, without building the model."""

from __future__ import annotations

import msgspec

from genzoo.files.model_file import read_header
from genzoo.models.find import check_digest
from genzoo_core.cards import ModelCard
from genzoo_core.plugin import Model
from genzoo_core.weights import WeightsFile


def card_of(found: Model | WeightsFile) -> ModelCard:
    """The card of what was found; of a file that has none, one with its name alone.

    Raises:
        UsageError: No such file.
        IntegrityError: Not the file that was promised.
        WeightsError: Not a genzoo model file.
        ConfigError: Its description of the model is not well-formed.
    """
    if isinstance(found, Model):
        return found.card
    sha256 = check_digest(found).sha256
    header = read_header(found.path)
    card = header.card or ModelCard(name=found.path.stem, family="", summary="")
    return msgspec.structs.replace(card, sha256=sha256, size=header.size)
