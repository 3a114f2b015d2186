"""Arrays: .npz and .safetensors, of pictures and of latents. Nothing in them is pickled."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from genzoo.run.outputs.record import KEY, encode
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor


def picture_tensors(pictures: Pictures, *, channels_last: bool) -> dict[str, Tensor]:
    """`images` and, of reconstructions, `inputs`, uint8 `[N, …]`; `seeds`, int64 `[N]`."""
    import torch

    from genzoo_core.images import to_uint8

    tensors = {"images": to_uint8(pictures.images)}
    if pictures.inputs is not None:
        tensors["inputs"] = to_uint8(pictures.inputs)
    if channels_last:
        tensors = {name: tensor.permute(0, 2, 3, 1) for name, tensor in tensors.items()}
    if pictures.seeds:
        tensors["seeds"] = torch.tensor(pictures.seeds, dtype=torch.int64)
    return tensors


def latent_tensors(latents: Latents) -> dict[str, Tensor]:
    """`mean` and, where the encoder has one, `std`, float32 `[N, *latent]`."""
    mean, std = latents.posterior.mean, latents.posterior.std
    return {"mean": mean.float()} | ({} if std is None else {"std": std.float()})


def npz(tensors: dict[str, Tensor], record: Record) -> bytes:
    """A .npz file of `tensors`, with the record as an array of one text."""
    import numpy as np

    arrays = {name: tensor.contiguous().numpy() for name, tensor in tensors.items()}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, record=np.array(encode(record)), **arrays)
    return out.getvalue()


def safetensors(tensors: dict[str, Tensor], record: Record) -> bytes:
    """A safetensors file of `tensors`, with the record in its metadata."""
    from safetensors.torch import save

    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return save(contiguous, {KEY: encode(record)})
