"""Loaded modules, which stay what was opened: their digests belong into each record."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from sys import intern
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import UsageError
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import Tensor, nn

ATTRIBUTE = "genzoo_loaded"
"""Of a module that a `Zoo` has opened: its `_Loaded`."""


@dataclass(frozen=True)
class _Loaded:
    """What was opened, and torch's count of the changes to each of its parameters."""

    opened: Opened
    changes: tuple[tuple[Tensor, int], ...]

    @property
    def as_it_is(self) -> Opened:
        """Without the digests of the file, where its weights are not those in the module."""
        if all(tensor._version == count for tensor, count in self.changes):
            return self.opened
        return replace(self.opened, sha256="", content="", files={})


def remember(opened: Opened) -> Opened:
    """Let the module of what was opened be taken for it."""
    tensors = (each for each in opened.module.parameters() if not each.is_inference())
    changes = tuple((tensor, tensor._version) for tensor in tensors)  # the others are not counted
    vars(opened.module)[ATTRIBUTE] = _Loaded(opened, changes)
    return opened


def reference_of(model: object) -> tuple[str, Opened | None, dict[str, Any]]:
    """The reference of a model, whether it is loaded or not, and itself if it is.

    Last, the fields of a request that say where a loaded one computes.

    Raises:
        UsageError: It is neither a reference nor loaded by genzoo.
    """
    if isinstance(model, str):
        return model, None, {}
    if isinstance(model, os.PathLike) and isinstance(path := os.fspath(model), str):
        # `Path("mine")` means a file, though "mine" would mean a model.
        return os.path.join(os.curdir, path), None, {}
    opened = model if isinstance(model, Opened) else _opened_as(model)
    return opened.name, opened, {"device": _device(opened), "offload": opened.offload}


def _opened_as(model: object) -> Opened:
    from torch import nn

    found = vars(model).get(ATTRIBUTE) if isinstance(model, nn.Module) else None
    # A shallow copy of the module has the same attribute.
    if isinstance(found, _Loaded) and found.opened.module is model:
        return found.as_it_is
    why = "genzoo has not loaded it" if isinstance(model, nn.Module) else "which names none"
    raise UsageError(
        f"model is of type {type(model).__name__}: {why}",
        "give a name, a path, or what `genzoo.load` gave",
    )


def _device(opened: Opened) -> str:
    """Where a module is now: whoever has it can move it."""
    module: nn.Module = opened.module
    tensor = None if opened.offload else next(module.parameters(), None)
    # Interned: msgspec leaves out of a record what is the default itself, not what equals it.
    return opened.device if tensor is None else intern(str(tensor.device))
