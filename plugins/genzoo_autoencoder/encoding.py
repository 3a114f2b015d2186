"""The latents of a codec that is done learning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from genzoo_core import Batch, Codec, Rng


@torch.no_grad()
def draw_latents(codec: Codec, images: Tensor, rng: Rng) -> Tensor:
    """Latents drawn from the posteriors of images `[B, C, H, W]`, `[B, *latent]`, as constants."""
    with evaluating(codec):
        return codec.encode(images).sample(rng)


def moments(codec: Codec, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the latents of all images, each `[*latent]`.

    By the law of total variance the posteriors' own variances count, without being drawn.
    """
    posteriors = [codec.encode(batch.images) for batch in batches]
    means = torch.cat([posterior.mean for posterior in posteriors])
    variance = means.var(0, correction=0)
    own = [posterior.std.square() for posterior in posteriors if posterior.std is not None]
    if own:
        variance = variance + torch.cat(own).mean(0)
    # A latent that a penalty switched off has no spread; dividing by it would blow up.
    return means.mean(0), variance.sqrt().clamp_min(1e-3)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for what is only used: normalisation and dropout as when sampling."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for inner, mode in modes:
            inner.training = mode
