"""Figures of the pictures themselves: how well they are reconstructed, and how sharp they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from genzoo_core.libraries import mend_torchvision


def mean_squared_error(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The mean squared error `[N]` of each image `[N, C, H, W]` in [-1, 1], float64."""
    difference = images.double() - reconstructions.double()
    return difference.square().flatten(1).mean(1)


def peak_signal_to_noise(images: Tensor, reconstructions: Tensor) -> Tensor:
    """The peak signal-to-noise ratio `[N]` of each image in dB, float64: 10 log10(2² / MSE).

    Images are `[N, C, H, W]` in [-1, 1]. Identical pictures give infinity.
    """
    mend_torchvision()
    from torchmetrics.functional.image import peak_signal_noise_ratio

    pair = reconstructions.double(), images.double()
    return peak_signal_noise_ratio(*pair, data_range=2.0, reduction="none", dim=(1, 2, 3))


def sharpness(images: Tensor) -> Tensor:
    """The variance `[N]` of each picture's Laplacian, on grey levels 0–255, float64.

    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study"
    (with the four-neighbour Laplacian). Blurry pictures have less than real ones, and noise has
    more: a figure to hold beside that of real pictures, not one to maximise.

    Args:
        images: `[N, C, H, W]` in [-1, 1]; C = 3 is turned to grey (ITU-R BT.601).

    Raises:
        ValueError: C is neither 1 nor 3.
    """
    channels = images.shape[1]
    if channels not in (1, 3):
        raise ValueError(f"pictures have 1 or 3 channels, not {channels}")
    levels = images.double() * 127.5
    luma = levels.new_tensor([0.299, 0.587, 0.114] if channels == 3 else [1.0])
    grey = torch.einsum("nchw,c->nhw", levels, luma)
    # The border mirrors its neighbour, so that a plain picture has no edge there.
    wide = F.pad(grey, (1, 1, 1, 1), mode="reflect")
    # Not conv2d, which is several times slower in float64.
    across = wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    down = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1]
    return (across + down - 4 * grey).flatten(1).var(1, correction=0)
