"""Writing a model file: whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.header import LENGTH_BYTES, MAX_HEADER, safetensors_header
from genzoo.files.model_file import FORMAT, FORMAT_VERSION
from genzoo.files.writing import new_file
from genzoo_core.cards import ModelCard
from genzoo_core.errors import WeightsError
from genzoo_core.specs import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor


def write_model_file(
    path: Path,
    spec: ModelSpec,
    tensors: Mapping[str, Tensor],
    card: ModelCard,
    *,
    replace: bool = True,
) -> tuple[str, int]:
    """Write a model file atomically. The same content gives the same bytes.

    The safetensors library writes metadata in an order that changes from run to run, which
    would give one model many digests; hence the header is laid out here.

    Returns:
        sha256 and size in bytes of the file; those of the card are left out of it.
    """
    # Wide elements first, so that each tensor is aligned; then by name.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header = _header(spec, dict(ordered), card)
    data = b"".join([header, *(_bytes(name, tensor) for name, tensor in ordered)])
    with new_file(path, replace=replace) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest(), len(data)


def _header(spec: ModelSpec, tensors: Mapping[str, Tensor], card: ModelCard) -> bytes:
    own = msgspec.structs.replace(card, sha256="", size=0, weights="")
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": msgspec.json.encode(_plain(spec)).decode(),
        "card": msgspec.json.encode(own, order="deterministic").decode(),
    }
    header = safetensors_header(
        metadata,
        (
            (name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
            for name, tensor in tensors.items()
        ),
    )
    if len(header) - LENGTH_BYTES > MAX_HEADER:
        raise WeightsError(f"a header of {len(header):,} bytes is over the format's {MAX_HEADER:,}")
    return header


def _plain(spec: ModelSpec) -> dict[str, Any]:
    """A spec as plain data, in the same order at each call.

    Conditioners keep the order that they have, for the first reads the prompt.
    """
    plain: dict[str, Any] = msgspec.to_builtins(spec, order="deterministic")
    if spec.conditioners:
        plain["conditioners"] = {name: plain["conditioners"][name] for name in spec.conditioners}
    for role, part in spec.parts.items():
        if part.inline is not None:
            plain["parts"][role]["inline"] = _plain(part.inline)
    return plain


def _bytes(name: str, tensor: Tensor) -> bytes:
    import torch

    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"tensor {name!r} holds NaN or infinity, and is not written")
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()
