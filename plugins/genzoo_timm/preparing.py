"""From genzoo's images to those that a backbone was trained on."""

from __future__ import annotations

from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genzoo_timm.backbones import Backbone


class Preparation(nn.Module):
    """Resizes images, repeats a single channel, and normalises each.

    Where a backbone has another number of channels than its published weights, all of them are
    normalised by the averages of mean and deviation over the channels of these.

    Args:
        backbone: Says how its images were resized and normalised.
        channels: Channels that it takes.
        size: (H, W) of the images that it takes; None for images of any size.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, channels: int, size: tuple[int, int] | None) -> None:
        super().__init__()
        self.channels = channels
        self.size = size
        self.interpolation = backbone.interpolation
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            each = values if len(values) == channels else [fmean(values)] * channels
            self.register_buffer(name, torch.tensor(each)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """What the backbone is given, `[B, channels, *size]`, for images `[B, C, H, W]` in
        [-1, 1]."""
        if self.size is not None and x.shape[2:] != self.size:
            x = F.interpolate(
                x, self.size, mode=self.interpolation, align_corners=False, antialias=True
            )
        return ((x.expand(-1, self.channels, -1, -1) + 1) / 2 - self.mean) / self.std
