"""Loaded modules, which stay what was opened: their digests belong into each record."""

from __future__ import annotations

import os
from sys import intern
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import UsageError
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import nn

ATTRIBUTE = "genzoo_opened"
"""Of a module that a `Zoo` has opened: its `Opened`."""


def remember(opened: Opened) -> Opened:
    """Let the module of what was opened be taken for it."""
    vars(opened.module)[ATTRIBUTE] = opened
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
    # A copy of the module has the same attribute, and other weights perhaps.
    if isinstance(found, Opened) and found.module is model:
        return found
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
