"""The grid of pictures that shows how a training goes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import torch
from torch import Tensor

from genzoo_core.atomic import becoming
from genzoo_core.errors import NotFittedError
from genzoo_core.images import grid, to_pil
from genzoo_core.model import GenerativeModel
from genzoo_core.rng import SampleRng
from genzoo_core.zoo import Opened
from genzoo_train.batches import Batches
from genzoo_train.building import train_mode

CHUNK = 64


@torch.no_grad()
def write_grid(path: Path, built: Opened, batches: Batches, n: int) -> None:
    """Draw `n` pictures, always from the same seeds and conditions, and write them as one PNG.

    The first rows of the training set give the conditions. Of a model that cannot sample yet the
    pictures are pairs of images and reconstructions; of one that cannot encode either, nothing is
    written.
    """
    model = built.module
    if not isinstance(model, GenerativeModel):
        return
    model.eval()
    try:
        pictures = torch.cat(
            [_sample(model, batches, rows) for rows in torch.split(torch.arange(n), CHUNK)]
        )
    except NotFittedError:
        if model.codec is None:
            return
        batch = batches.first(n // 2 or 1)
        condition = model.condition(batch.conditions, len(batch.images))
        reconstructed = model.codec.reconstruct(batch.images, condition)
        pictures = torch.stack([batch.images, reconstructed], 1).flatten(0, 1)
    finally:
        train_mode(built)
    with becoming(path) as temporary:
        to_pil(grid(pictures)).save(temporary)


def _sample(model: GenerativeModel[msgspec.Struct], batches: Batches, rows: Tensor) -> Tensor:
    conditions = batches.at((rows % len(batches)).to(batches.device)).conditions
    return model.sample(SampleRng(rows.tolist()), conditions, model.Options())
