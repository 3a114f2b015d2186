"""The user's cache: what is damaged or missing there is computed again. Imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from genzoo_core.atomic import write_atomically
from genzoo_eval.sealing import digest, seal, unseal

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


def kept(folder: Path | None, name: str) -> dict[str, Tensor] | None:
    """The tensors in the cache under a name; None where there are none."""
    from safetensors.torch import load

    # Read, not mapped: another process may replace the file meanwhile.
    checked, _, content = _read(folder, f"{name}.tensors").partition(b"\n")
    return load(content) if checked.decode("latin-1") == digest(name, content) else None


def keep(folder: Path | None, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Cache tensors under a name; silent where that cannot be done."""
    from safetensors.torch import save

    content = save({key: tensor.contiguous() for key, tensor in tensors.items()})
    _write(folder, f"{name}.tensors", digest(name, content).encode() + b"\n" + content)


def kept_value(folder: Path | None, name: str, kind: type[T]) -> T | None:
    """The value in the cache under a name; None where there is none."""
    return unseal(name, _read(folder, f"{name}.json"), kind)


def keep_value(folder: Path | None, name: str, value: object) -> None:
    """Cache a value under a name; silent where that cannot be done."""
    _write(folder, f"{name}.json", seal(name, value))


def _read(folder: Path | None, file: str) -> bytes:
    if folder is None:
        return b""
    try:
        return (folder / file).read_bytes()
    except OSError:
        return b""


def _write(folder: Path | None, file: str, content: bytes) -> None:
    if folder is not None:
        with contextlib.suppress(OSError):
            write_atomically(folder / file, content)
