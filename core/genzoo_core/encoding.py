"""The latents of a trained codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from genzoo_core.encoder import Codec, Posterior
from genzoo_core.training import Batch


@torch.no_grad()
def encode(codec: Codec, images: Tensor) -> Posterior:
    """The posteriors of images `[B, C, H, W]`, as constants."""
    with evaluating(codec):
        return codec.encode(images)


def encode_all(codec: Codec, batches: Iterable[Batch]) -> tuple[Posterior, dict[str, Tensor]]:
    """The posteriors of all images, `[N, *latent]`, and their conditions by name, in order."""
    posteriors: list[Posterior] = []
    conditions: list[Mapping[str, Tensor]] = []
    for batch in batches:
        posteriors.append(encode(codec, batch.images))
        conditions.append(batch.conditions)
    std = [posterior.std for posterior in posteriors if posterior.std is not None]
    mean = torch.cat([posterior.mean for posterior in posteriors])
    joined = {name: torch.cat([each[name] for each in conditions]) for name in conditions[0]}
    return Posterior(mean, torch.cat(std) if std else None), joined


def at(posterior: Posterior, rows: Tensor) -> Posterior:
    """The posteriors of some images, int64 `[B]`."""
    std = None if posterior.std is None else posterior.std.index_select(0, rows)
    return Posterior(posterior.mean.index_select(0, rows), std)


def moments(posterior: Posterior) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of latents drawn from posteriors `[N, *latent]`.

    By the law of total variance: nothing is drawn.
    """
    variance = posterior.mean.var(0, correction=0)
    if posterior.std is not None:
        variance = variance + posterior.std.square().mean(0)
    # A latent that a penalty switched off has no spread; dividing by it would blow up.
    return posterior.mean.mean(0), variance.sqrt().clamp_min(1e-3)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block: normalisation and dropout as when sampling."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for inner, mode in modes:
            inner.training = mode
