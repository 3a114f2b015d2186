"""Tensors in the user's cache. What is damaged or missing is computed again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from genzoo_core.atomic import write_atomically


def kept(folder: Path | None, name: str) -> dict[str, Tensor] | None:
    """The tensors that were kept under a name; None where there are none."""
    if folder is None:
        return None
    try:
        # Read, not mapped: another process may replace the file meanwhile.
        return load((folder / f"{name}.safetensors").read_bytes())
    except (OSError, SafetensorError):
        return None


def keep(folder: Path | None, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Keep tensors under a name; silent where that cannot be done."""
    if folder is None:
        return
    with contextlib.suppress(OSError):
        data = save({key: tensor.contiguous() for key, tensor in tensors.items()})
        write_atomically(folder / f"{name}.safetensors", data)
