"""Residual blocks, and the group normalisation inside them."""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Module):
    """Layers, called one after the other, beside the identity."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layers(x)
        return x + h


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside the identity, pre-activated (He et al. 2016, arXiv:1603.05027).

    The weights of the last convolution start at zero, so that a fresh block adds a constant at
    most. An embedding scales and shifts what the second normalisation gives (Dhariwal & Nichol
    2021, section 3, "adaptive group normalization").

    Args:
        channels: Channels in.
        out: Channels out; as many as in by default. Where they differ, a 1×1 convolution takes
            the place of the identity.
        embedding: Width of the embedding; None for a block without one.
    """

    def __init__(
        self, channels: int, out: int | None = None, *, embedding: int | None = None
    ) -> None:
        super().__init__()
        out = channels if out is None else out
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.modulation = None if embedding is None else nn.Linear(embedding, 2 * out)
        self.norm2 = group_norm(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, embedded: Tensor | None = None) -> Tensor:
        """`[B, out, H, W]` for `x`, `[B, channels, H, W]`, and an embedding, `[B, embedding]`."""
        h: Tensor = self.norm2(self.conv1(nn.functional.silu(self.norm1(x))))
        if self.modulation is not None and embedded is not None:
            scale, shift = self.modulation(embedded)[:, :, None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        out: Tensor = self.skip(x) + self.conv2(nn.functional.silu(h))
        return out


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation over groups of 8 channels (of all, where 8 does not divide them)."""
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)
