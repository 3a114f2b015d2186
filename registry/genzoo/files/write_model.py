"""Writing a model file: whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.header import MAX_HEADER
from genzoo.files.model_file import FORMAT, FORMAT_VERSION
from genzoo.files.writing import put
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
    put(path, data, replace=replace)
    return hashlib.sha256(data).hexdigest(), len(data)


def _header(spec: ModelSpec, tensors: Mapping[str, Tensor], card: ModelCard) -> bytes:
    from genzoo.files.dtypes import DTYPE_NAME

    own = msgspec.structs.replace(card, sha256="", size=0, weights="")
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": msgspec.json.encode(_plain(spec)).decode(),
        "card": msgspec.json.encode(own, order="deterministic").decode(),
    }
    entries: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPE_NAME:
            raise WeightsError(f"tensor {name!r} has dtype {tensor.dtype}, which cannot be stored")
        end = position + tensor.nbytes
        entries[name] = {
            "dtype": DTYPE_NAME[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise WeightsError(f"a header of {len(text)} bytes is over the format's {MAX_HEADER}")
    return len(text).to_bytes(8, "little") + text


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
