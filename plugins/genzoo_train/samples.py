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

CHUNK = 64


@torch.no_grad()
def write_grid(path: Path, built: Opened, batches: Batches, n: int) -> None:
    """Draw `n` pictures, always from the same seeds and conditions, and write them as one PNG.

    A model that has nothing to sample from yet shows pairs of images and reconstructions;
    where there is nothing to see, nothing is written.

    Args:
        path: Where to.
        built: The module, its averaged weights in place.
        batches: The training set: the first rows give the conditions.
        n: Number of pictures.
    """
    model = built.module
    if not isinstance(model, GenerativeModel):
        return
    training = model.training
    model.eval()
    try:
        pictures = _pictures(model, batches, n)
    finally:
        model.train(training)
        for part in built.parts.values():
            part.eval()
    if pictures is not None:
        with becoming(path) as temporary:
            to_pil(grid(pictures)).save(temporary)


def _pictures(model: GenerativeModel[msgspec.Struct], batches: Batches, n: int) -> Tensor | None:
    try:
        return torch.cat(
            [_sample(model, batches, rows) for rows in torch.split(torch.arange(n), CHUNK)]
        )
    except NotFittedError:
        if model.codec is None:
            return None
        batch = batches.first(n // 2 or 1)
        condition = model.condition(batch.conditions, len(batch.images))
        again = model.codec.reconstruct(batch.images, condition)
        return torch.stack([batch.images, again], 1).flatten(0, 1)


def _sample(model: GenerativeModel[msgspec.Struct], batches: Batches, rows: Tensor) -> Tensor:
    rng = SampleRng(rows.tolist())
    conditions = batches.at((rows % len(batches)).to(batches.device)).conditions
    return model.sample(rng, conditions, model.Options())
