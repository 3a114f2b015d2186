"""All that can be said of a model without building it."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """A model, and what its file or folder says.

    Attributes:
        weights: The file with its weights; None where it is not on this machine.
        spec: What the file says is to be built.
        options: Its options; empty where they cannot be told.
        problems: Why something of this is missing, in one line each.
        format: Full name of the format of others that its folder is in; "" for a file of genzoo's.
        parts: The weights in such a folder.
        variants: The variants that some of these have.
    """

    model: Model
    weights: Path | None = None
    spec: ModelSpec | None = None
    options: tuple[Option, ...] = ()
    problems: tuple[str, ...] = ()
    format: str = ""
    parts: tuple[Weights, ...] = ()
    variants: tuple[str, ...] = ()


def look(catalogue: Catalogue, reference: str, variant: str = "") -> Look:
    """What a model of the list, a model file, or a folder in another format says of itself.

    Raises:
        GenzooError: There is none, or the file is no model file.
    """
    found = find(catalogue, reference, variant)
    if isinstance(found, ModelFolder):
        return Look(
            found.added or found.model(found.card()),
            format=full_name(found.format),
            parts=tuple(found.files.parts()),
            variants=tuple(found.files.variants()),
        )
    if isinstance(found, Model):
        try:
            weights = weights_here(catalogue, found)
            if found.added and weights is not None:
                with as_added(found):
                    check_digest(WeightsFile(weights, sha256=found.card.sha256))
            about = Look(found, weights, read_header(weights).spec if weights else None)
        except GenzooError as error:
            return Look(found, problems=(str(error),))
    else:
        about = Look(Model(card_of(found), file=found), found.path, read_header(found.path).spec)
    try:
        return replace(about, options=options_of(catalogue, about.spec) if about.spec else ())
    except GenzooError as error:
        return replace(about, problems=(str(error),))
