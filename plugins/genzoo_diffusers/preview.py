"""What a latent looks like, cheaply: a linear map from its channels to colours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from genzoo_core import Codec

SIDE = 8
"""Side of the latents from which the map is fitted."""


class Preview:
    """Colours of latents by least squares, from a few that the codec decodes once.

    Args:
        codec: Whose latents they are.
        device: Where it computes.
    """

    def __init__(self, codec: Codec, device: torch.device) -> None:
        channels = codec.latent_shape[0]
        generator = torch.Generator().manual_seed(0)
        latents = torch.randn(1, channels, SIDE, SIDE, generator=generator).to(device)
        colours = adaptive_avg_pool2d(codec.decode(latents), (SIDE, SIDE))
        self._map = torch.linalg.lstsq(_with_one(latents).cpu(), _rows(colours).cpu()).solution

    def __call__(self, latents: Tensor, height: int, width: int) -> Tensor:
        """Pictures `[B, 3, height, width]` in [-1, 1] of latents `[B, C, h, w]`."""
        colours = _with_one(latents.float()) @ self._map.to(latents.device)
        images = colours.reshape(len(latents), *latents.shape[2:], -1).permute(0, 3, 1, 2)
        return interpolate(images.clamp(-1, 1), (height, width))


def _rows(x: Tensor) -> Tensor:
    """The channels of each place, `[B * H * W, C]`."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _with_one(x: Tensor) -> Tensor:
    rows = _rows(x)
    return torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
