"""Random changes of training images. All chance comes from the `Rng`."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from genzoo_core import Rng
from genzoo_eval.nets.config import ViewConfig


def spread(rng: Rng, x: Tensor, limit: float) -> Tensor:
    """Uniform numbers in [-limit, limit), `[B]`."""
    return (2 * rng.uniform((), x) - 1) * limit


def shift(x: Tensor, rng: Rng, pixels: int) -> Tensor:
    """Images `[B, C, H, W]`, each moved by up to so many whole pixels along either axis; the border
    is repeated."""
    height, width = x.shape[2:]
    rows = torch.arange(height, device=x.device) + _whole(rng, x, pixels)[:, None]
    columns = torch.arange(width, device=x.device) + _whole(rng, x, pixels)[:, None]
    images = torch.arange(len(x), device=x.device)[:, None, None]
    # Advanced indices around a slice put its dimension last.
    moved = x[
        images,
        :,
        rows.clamp(0, height - 1)[:, :, None],
        columns.clamp(0, width - 1)[:, None, :],
    ]
    return moved.permute(0, 3, 1, 2)


def _whole(rng: Rng, x: Tensor, limit: int) -> Tensor:
    return rng.integers(2 * limit + 1, (), x) - limit


def view(x: Tensor, rng: Rng, config: ViewConfig) -> Tensor:
    """A random view of each image `[B, C, H, W]` in [-1, 1]: warped, of another contrast and tint,
    with a rectangle erased."""
    seen = erase(contrast(warp(x, rng, config), rng, config.contrast), rng, config.erase)
    # Nets without a tint were trained before there was one: they draw the same numbers as then.
    return tint(seen, rng, config.tint) if config.tint else seen


def warp(x: Tensor, rng: Rng, config: ViewConfig) -> Tensor:
    """Each image rotated, scaled, sheared and moved, as the config says, in one resampling."""
    height, width = x.shape[2:]
    angle = spread(rng, x, math.radians(config.rotate))
    across, down = 1 + spread(rng, x, config.scale), 1 + spread(rng, x, config.scale)
    shear = spread(rng, x, config.shear)
    # A width is 2 units of the sampling grid.
    right = spread(rng, x, 2 * config.shift / width)
    low = spread(rng, x, 2 * config.shift / height)
    cos, sin = angle.cos(), angle.sin()
    top = torch.stack([cos / across, (shear * cos - sin) / across, right], 1)
    bottom = torch.stack([sin / down, (shear * sin + cos) / down, low], 1)
    grid = F.affine_grid(torch.stack([top, bottom], 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def contrast(x: Tensor, rng: Rng, limit: float) -> Tensor:
    """Each image's distance from black times a factor in [1 - limit, 1 + limit), clamped."""
    factor = 1 + spread(rng, x, limit)
    return ((x + 1) * factor[:, None, None, None] - 1).clamp(-1, 1)


def tint(x: Tensor, rng: Rng, limit: float) -> Tensor:
    """Each colour's distance from white times a factor of its own in [1 - limit, 1 + limit),
    clamped. White stays white, so that a white background tells no two views apart."""
    factors = torch.stack([1 + spread(rng, x, limit) for _ in range(x.shape[1])], 1)
    return (1 - (1 - x) * factors[:, :, None, None]).clamp(-1, 1)


def erase(x: Tensor, rng: Rng, longest: int) -> Tensor:
    """Each image with a rectangle of one random grey, its sides uniform in [0, longest), its centre
    anywhere in the image (Zhong et al. 2020, "Random erasing")."""
    inside: Tensor | None = None
    for axis, side in ((2, x.shape[2]), (3, x.shape[3])):
        centre, half = rng.uniform((), x) * side, rng.uniform((), x) * longest / 2
        place = torch.arange(side, device=x.device) + 0.5
        near = (place - centre[:, None]).abs() < half[:, None]
        near = near[:, None, :, None] if axis == 2 else near[:, None, None, :]
        inside = near if inside is None else inside & near
    assert inside is not None
    return torch.where(inside, spread(rng, x, 1.0)[:, None, None, None], x)
