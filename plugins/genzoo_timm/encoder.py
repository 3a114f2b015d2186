"""A backbone of timm as an encoder."""

from __future__ import annotations

from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genzoo_core import Condition, ConfigError, Context, Encoder, Posterior
from genzoo_timm.backbones import Backbone, build, find_backbone
from genzoo_timm.config import TimmConfig
from genzoo_timm.pretrained import weights_of


class TimmEncoder(Encoder):
    """The pooled features of a backbone: what its classifier would read, a point.

    Images are prepared as timm's `pretrained_cfg` says: its mean, deviation and interpolation.
    A network with batch normalisation normalises by the batch in training mode, and by running
    averages, which are in the model file, otherwise.

    Raises:
        ConfigError: timm has no such backbone, or cannot build it for such images.
        PluginError: timm is not installed.
        HubError: It is to be trained from published weights that cannot be had.
    """

    Config = TimmConfig

    def __init__(self, config: TimmConfig, context: Context) -> None:
        super().__init__()
        self.shape = config.shape
        backbone = find_backbone(config.backbone)
        channels = _channels(config, backbone)
        size = _size(config, backbone)
        # On meta, a module is built for its tensors' shapes alone, as before a training.
        fetch = config.pretrained and context.training and not torch.empty(0).is_meta
        weights = weights_of(backbone) if fetch else None
        self.preparation = Preparation(backbone, channels, size)
        self.backbone, features = build(backbone, channels, size or config.shape[1:], weights)
        self.latent_shape = (features,)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """The features of images, a point `[B, D]`; the condition is not looked at."""
        return Posterior(self.backbone(self.preparation(x)))


def _channels(config: TimmConfig, backbone: Backbone) -> int:
    """Channels of the network: a pretrained one has those of its weights."""
    channels = config.shape[0]
    if not config.pretrained:
        return channels
    if channels not in (1, backbone.channels):
        raise ConfigError(
            f"the weights of {backbone.name} are for images of {backbone.channels} channels, "
            f"not {channels}",
            "give images of as many channels or of one, or set pretrained = false",
        )
    return backbone.channels


def _size(config: TimmConfig, backbone: Backbone) -> tuple[int, int] | None:
    """(H, W) to which images are resized; None where they stay as they are."""
    if config.size is not None:
        return config.size, config.size
    if config.pretrained or backbone.fixed:
        return backbone.size
    _, height, width = config.shape
    return backbone.least if height < backbone.least[0] or width < backbone.least[1] else None


class Preparation(nn.Module):
    """Resizes images, repeats a single channel, and normalises each.

    Where a backbone has another number of channels than its published weights, all of them are
    normalised by the averages of mean and deviation over the channels of these.
    `size` is (H, W) of the images that it takes; None for any.
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
        """Images `[B, C, H, W]` in [-1, 1] as the backbone takes them, `[B, channels, *size]`."""
        if self.size is not None and x.shape[2:] != self.size:
            x = F.interpolate(
                x, self.size, mode=self.interpolation, align_corners=False, antialias=True
            )
        return ((x.expand(-1, self.channels, -1, -1) + 1) / 2 - self.mean) / self.std
