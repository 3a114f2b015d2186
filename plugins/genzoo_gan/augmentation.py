"""Augmentation of what a discriminator sees of few pictures, reals and fakes alike."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from genzoo_core import Progress, Rng
from genzoo_gan.config import AugmentConfig

Change = Callable[[Tensor], Tensor]
"""Changes pictures `[B, C, H, W]`, each by its own draw; differentiable twice."""


def probability(config: AugmentConfig, progress: Progress) -> float:
    """Of each change: it rises linearly from 0 over the share `ramp` of the training."""
    if not config.ramp:
        return config.probability
    return config.probability * min(1.0, progress.fraction / config.ramp)


def draw_change(config: AugmentConfig, progress: Progress, rng: Rng, like: Tensor) -> Change:
    """Draw a change for each of `rng.n` pictures: of colour, of place, and a square cut out.

    The changes are those of Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN
    training", section 3; each is made with a probability below 1, without which generators
    learn to make changed pictures (Karras et al. 2020, "Training generative adversarial
    networks with limited data", section 2.2).

    `like`, `[B, C, H, W]`, has the dtype and device of the pictures to change.
    """
    chance = probability(config, progress)

    def uniform() -> Tensor:
        return rng.uniform((1, 1, 1), like)

    def chosen() -> Tensor:
        return (uniform() < chance).to(like)

    colour = config.colour * chosen()
    brightness = 2 * colour * (uniform() - 0.5)
    saturation = 1 + 2 * colour * (uniform() - 0.5)
    contrast = 1 + colour * (uniform() - 0.5)
    moved = config.shift * chosen()
    down, right = 2 * moved * (uniform() - 0.5), 2 * moved * (uniform() - 0.5)
    hole = config.cutout * chosen()
    top, left = uniform(), uniform()

    def change(images: Tensor) -> Tensor:
        images = images + brightness
        grey = images.mean(1, keepdim=True)
        images = grey + saturation * (images - grey)
        middle = images.mean((1, 2, 3), keepdim=True)
        images = middle + contrast * (images - middle)
        images = shifted(images, down, right)
        return images * (1 - square(images, hole, top, left))

    return change


def shifted(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Pictures `[B, C, H, W]` moved by shares of their sides, `[B, 1, 1, 1]`, to whole pixels.

    What moves in is what lay at the border.
    """
    # By indexing, not by `grid_sample`, whose gradient has no gradient.
    channels, height, width = images.shape[1:]
    rows = torch.arange(height, device=images.device) - (down * height).round().long().flatten(1)
    columns = torch.arange(width, device=images.device) - (right * width).round().long().flatten(1)
    rows = rows.clamp(0, height - 1)[:, None, :, None].expand(-1, channels, -1, width)
    columns = columns.clamp(0, width - 1)[:, None, None, :].expand(-1, channels, height, -1)
    return images.gather(2, rows).gather(3, columns)


def square(images: Tensor, side: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """1 in a square of each picture and 0 elsewhere, `[B, 1, H, W]`.

    `side` is the square's, `top` and `left` place its middle, as shares of the picture's sides,
    `[B, 1, 1, 1]`.
    """
    height, width = images.shape[-2:]
    rows = ((torch.arange(height, device=images.device) + 0.5) / height)[:, None]
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    inside = ((rows - top).abs() < side / 2) & ((columns - left).abs() < side / 2)
    return inside.to(images)
