"""A codec that trains on its own, to be shared as a part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
import torch
from torch import Tensor, nn

from genzoo_autoencoder.networks import down, up
from genzoo_core import (
    Batch,
    Codec,
    Condition,
    Config,
    Context,
    Phase,
    Posterior,
    Progress,
    Rng,
    Trainable,
)
from genzoo_core.layers.residual import ResidualBlock, group_norm
from genzoo_core.ranges import Blocks, ImageShape, Weight, Width, check_sides


class SpatialCodecConfig(Config):
    """What the codec is.

    Attributes:
        shape: (C, H, W) of an image; H and W divisible by 4.
        channels: Channels of the latent, whose sides are a quarter of the image's.
        patch: Side of the squares of pixels that the first layer folds into channels.
        width: Channels after that; at a quarter of the size, twice as many where `patch` is 2.
        blocks: Residual blocks at each size, in the encoder and in the decoder. With a patch of
            4 all are at a quarter: cheaper by the pixel, so that they can be wider.
        error: Mean of squared or of absolute errors per pixel. The absolute leave sharper edges.
        edges: Weight of the mean absolute error of the differences between neighbouring pixels
            (the gradient difference loss of Mathieu et al. 2016, "Deep multi-scale video
            prediction beyond mean square error", section 3.2, on signed differences).
        kl_weight: Weight of the KL divergence to N(0, I), in nats per latent dimension, beside
            the error. Small: it keeps latents smooth, not normal.
    """

    shape: ImageShape = (1, 28, 28)
    channels: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    patch: Literal[2, 4] = 2
    width: Width = 32
    blocks: Blocks = 1
    error: Literal["squared", "absolute"] = "squared"
    edges: Weight = 0.0
    kl_weight: Weight = 3e-4

    def __post_init__(self) -> None:
        check_sides(self.shape, 4)


class SpatialCodec(Codec, Trainable):
    """A convolutional codec whose latent is a small picture with several channels.

    The first stage of latent diffusion (Rombach et al. 2022, "High-resolution image synthesis
    with latent diffusion models", section 3.1, KL-reg.), without the adversarial loss. The
    buffers `shift` and `scale` give each channel of the latent mean 0 and deviation 1.
    """

    Config = SpatialCodecConfig
    stage_name = "reconstruction"
    shift: Tensor
    scale: Tensor

    def __init__(self, config: SpatialCodecConfig, context: Context) -> None:
        super().__init__()
        colours, height, width = config.shape
        self.config = config
        self.latent_shape = (config.channels, height // 4, width // 4)
        folded = config.patch == 4
        to_quarter, from_quarter = (fold, unfold) if folded else (down, up)
        quarter = config.width if folded else 2 * config.width
        self.encoder = nn.Sequential(
            *to_quarter(colours, config.width, config.blocks),
            nn.Conv2d(quarter, 2 * config.channels, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(config.channels, quarter, 3, padding=1),
            *from_quarter(colours, config.width, config.blocks),
        )
        self.register_buffer("shift", torch.zeros(config.channels, 1, 1))
        self.register_buffer("scale", torch.ones(config.channels, 1, 1))

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """The normal of the encoder's mean and log-variance, standardised."""
        raw = self.posterior(x)
        assert raw.std is not None
        return Posterior((raw.mean - self.shift) / self.scale, raw.std / self.scale)

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        """Images of standardised latents."""
        out: Tensor = self.decoder(z * self.scale + self.shift)
        return out

    def posterior(self, x: Tensor) -> Posterior:
        """The posterior before standardising."""
        mean, logvar = self.encoder(x).chunk(2, 1)
        return Posterior(mean, (logvar.clamp(-30, 20) / 2).exp())

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Error per pixel, plus the weighted ones of edges and the KL divergence per dimension."""
        posterior = self.posterior(batch.images)
        error = self.decoder(posterior.sample(rng)) - batch.images
        mse = error.square().mean()
        kl = posterior.kl_per_dimension().mean()
        loss = mse if self.config.error == "squared" else error.abs().mean()
        if self.config.edges:
            loss = loss + self.config.edges * edges(error)
        figures: dict[str, Tensor | float] = {"mse": mse.detach(), "kl": kl.detach()}
        return loss + self.config.kl_weight * kl, figures

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Standardise the latents, the posterior's noise included, channel by channel."""
        count = 0
        total, squares = torch.zeros(2, self.config.channels, dtype=torch.float64)
        for batch in batches:
            raw = self.posterior(batch.images)
            assert raw.std is not None
            mean, variance = raw.mean.double().cpu(), raw.std.double().cpu().square()
            count += mean[:, 0].numel()
            total += mean.sum((0, 2, 3))
            squares += (mean.square() + variance).sum((0, 2, 3))
        if not count:
            return
        centre = total / count
        std = (squares / count - centre.square()).clamp_min(1e-6).sqrt()
        self.shift.copy_(centre[:, None, None])
        self.scale.copy_(std[:, None, None])


def edges(error: Tensor) -> Tensor:
    """Mean absolute difference between neighbours along each axis, summed, of `[B, C, H, W]`."""
    return error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()


def fold(colours: int, width: int, blocks: int) -> Iterator[nn.Module]:
    """Layers from images `[B, colours, H, W]` to a map `[B, width, H / 4, W / 4]`."""
    yield nn.PixelUnshuffle(4)
    yield nn.Conv2d(16 * colours, width, 3, padding=1)
    yield from (ResidualBlock(width) for _ in range(blocks))
    yield group_norm(width)
    yield nn.SiLU()


def unfold(colours: int, width: int, blocks: int) -> Iterator[nn.Module]:
    """Layers from a map `[B, width, H / 4, W / 4]` to pixels."""
    yield from (ResidualBlock(width) for _ in range(blocks))
    yield group_norm(width)
    yield nn.SiLU()
    yield nn.Conv2d(width, 16 * colours, 3, padding=1)
    yield nn.PixelShuffle(4)
