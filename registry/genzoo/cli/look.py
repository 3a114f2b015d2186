"""All that can be said of a model without building it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.files.foreign import Weights
from genzoo.files.model_file import read_header
from genzoo.models.find import as_added, card_of, check_digest, find, weights_here
from genzoo.models.formats import ModelFolder
from genzoo.plugins.names import full_name
from genzoo.run.option_list import options_of
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Model
from genzoo_core.specs import ModelSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Option

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue


@dataclass(frozen=True)
class Look:
    """A model, and what its file says.

    Attributes:
        model: The model.
        weights: The file with its weights; None where it is not on this machine.
        spec: What the file says is to be built.
        options: Its options; empty where they cannot be told.
        problems: Why something of this is missing, in one line each.
        format: Full name of the format of others that its folder is in; "" for a file of genzoo's.
        parts: The weights in such a folder.
        variants: The variants that some of these have.
    """

    model: Model
    weights: Path | None
    spec: ModelSpec | None
    options: tuple[Option, ...]
    problems: tuple[str, ...]
    format: str = ""
    parts: tuple[Weights, ...] = ()
    variants: tuple[str, ...] = ()


def look(catalogue: Catalogue, reference: str, variant: str = "") -> Look:
    """What is known of a model of the list, of a model file, or of a folder in another format.

    Raises:
        GenzooError: There is none, or the file is no model file.
    """
    found = find(catalogue, reference, variant)
    if isinstance(found, ModelFolder):
        return _look_into(found)
    if not isinstance(found, Model):
        model = Model(card_of(found), file=found)
        return _with_options(catalogue, model, found.path, read_header(found.path).spec)
    try:
        weights = weights_here(catalogue, found)
        if found.added and weights is not None:
            with as_added(found):
                check_digest(WeightsFile(weights, sha256=found.card.sha256))
        spec = read_header(weights).spec if weights else None
    except GenzooError as error:
        return Look(found, None, None, (), (str(error),))
    return _with_options(catalogue, found, weights, spec)


def _look_into(folder: ModelFolder) -> Look:
    """What a folder in a format of others says of itself."""
    files = folder.files
    model = folder.added or folder.model(folder.card())
    return Look(
        model,
        weights=None,
        spec=None,
        options=(),
        problems=(),
        format=full_name(folder.format),
        parts=tuple(files.parts()),
        variants=tuple(files.variants()),
    )


def _with_options(
    catalogue: Catalogue, model: Model, weights: Path | None, spec: ModelSpec | None
) -> Look:
    try:
        options = options_of(catalogue, spec) if spec else ()
    except GenzooError as error:
        return Look(model, weights, spec, (), (str(error),))
    return Look(model, weights, spec, options, ())
