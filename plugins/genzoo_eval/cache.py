"""Tensors and values in the user's cache, each with a digest; what is damaged or missing there is
computed again. Imports no torch."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from genzoo_core.atomic import becoming, write_atomically

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


def load_tensors(folder: Path | None, name: str) -> dict[str, Tensor] | None:
    """The tensors in the cache under a name, mapped and not read into memory; None where there
    are none."""
    from safetensors import SafetensorError, safe_open

    if folder is None:
        return None
    try:
        with safe_open(folder / f"{name}.tensors", "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            checked = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError):
        return None
    return tensors if checked == _digest_of_tensors(name, tensors) else None


def save_tensors(folder: Path | None, name: str, tensors: Mapping[str, Tensor]) -> None:
    """Cache tensors under a name; silent where that cannot be done."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if folder is None:
        return
    tensors = {key: tensor.contiguous() for key, tensor in tensors.items()}
    digest = {"sha256": _digest_of_tensors(name, tensors)}
    with contextlib.suppress(OSError, SafetensorError):
        folder.mkdir(parents=True, exist_ok=True)
        with becoming(folder / f"{name}.tensors") as temporary:
            save_file(tensors, temporary, digest)


def load_value(folder: Path | None, name: str, kind: type[T]) -> T | None:
    """The value in the cache under a name; None where there is none."""
    return unseal(name, _read(folder, f"{name}.json"), kind)


def save_value(folder: Path | None, name: str, value: object) -> None:
    """Cache a value under a name; silent where that cannot be done."""
    _write(folder, f"{name}.json", seal(name, value))


class Sealed(msgspec.Struct):
    """A value as JSON, and its digest."""

    sha256: str
    value: msgspec.Raw


def seal(name: str, value: object) -> bytes:
    """A value as JSON with its digest, in one line."""
    content = msgspec.json.encode(value)
    return msgspec.json.encode(Sealed(_digest(name, content), msgspec.Raw(content)))


def unseal(name: str, data: bytes, kind: type[T]) -> T | None:
    """The value that was sealed under a name; None where it is damaged or of another kind."""
    try:
        sealed = msgspec.json.decode(data, type=Sealed)
        if sealed.sha256 != _digest(name, bytes(sealed.value)):
            return None
        return msgspec.json.decode(sealed.value, type=kind)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def _digest(name: str, content: bytes) -> str:
    """The sha256 of a content under its name: what belongs under another one differs."""
    return hashlib.sha256(name.encode() + b"\n" + content).hexdigest()


def _digest_of_tensors(name: str, tensors: Mapping[str, Tensor]) -> str:
    import torch

    digest = hashlib.sha256(name.encode())
    for key, tensor in sorted(tensors.items()):
        digest.update(repr((key, tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


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
