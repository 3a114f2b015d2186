"""Low-rank changes to a model's weights, from files to the model."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.foreign import Files
from genzoo.files.listing import FileSource
from genzoo.files.shards import SUFFIX
from genzoo.models.weights import has_scheme, resolve_reference
from genzoo.text import quoted, shown_path
from genzoo_core.errors import UsageError
from genzoo_core.request import Lora, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from genzoo.zoo import Zoo
    from genzoo_core.zoo import Opened


def adapt(request: Request, opened: Opened, zoo: Zoo) -> tuple[Lora, ...]:
    """Apply a request's LoRAs to its model, and no others; gives them as a record has them.

    Raises:
        UsageError: The model takes none, or not these.
        WeightsError: A file cannot be read.
    """
    from genzoo_core.model import Adaptable

    module = opened.module
    if not isinstance(module, Adaptable):
        if request.loras:
            raise UsageError(f"{opened.name} takes no LoRA", "leave out --lora")
        return ()
    found = [_read(lora, zoo) for lora in request.loras]
    module.adapt([(tensors, lora.scale) for lora, tensors in found])
    return tuple(lora for lora, _ in found)


def _read(lora: Lora, zoo: Zoo) -> tuple[Lora, Mapping[str, Tensor]]:
    """A LoRA as a record has it, and its tensors."""
    if not isfinite(lora.scale):
        raise UsageError(f"the scale of {quoted(lora.path)} is {lora.scale}; give a number")
    path = lora.path
    if elsewhere := has_scheme(path):
        path = str(resolve_reference(path, zoo.call_hook).path)
    source = FileSource(path)
    files = Files(source)
    if not source.name.endswith(SUFFIX):
        files.checked.refuse_pickles()
        raise UsageError(f"{quoted(lora.path)} is no safetensors file", "a LoRA is read from one")
    tensors = files.weights(source.name.removesuffix(SUFFIX))
    files.finish()
    shown_as = lora.path if elsewhere else shown_path(lora.path)
    digest = files.checked.digest(source.name)
    return msgspec.structs.replace(lora, path=shown_as, sha256=digest), tensors
