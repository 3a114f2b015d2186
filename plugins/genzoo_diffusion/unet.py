"""The U-Net."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from genzoo_core import Condition, ConfigError
from genzoo_core.layers.embedding import Embedding
from genzoo_core.layers.mlp import ResidualMLP
from genzoo_core.layers.residual import ResidualBlock, group_norm
from genzoo_diffusion.config import UNetConfig

FLAT_BLOCKS = 2
"""Residual blocks of the flat network at the smallest size."""
MOST_PLACES = 128 * 128
"""Most places of the smallest size, each of which attends to all."""


class UNet(nn.Module):
    """A U-Net modulated by time and condition (Ho et al. 2020; Dhariwal & Nichol 2021, AdaGN).

    Small and fast on a CPU: pixels are folded into channels first, and one wide head attends at
    the smallest size alone, where a flat network can stand beside it.

    Raises:
        ConfigError: The data's sides cannot be halved as often as the config asks, or are still
            too large then to attend.
    """

    def __init__(
        self, config: UNetConfig, shape: tuple[int, int, int], *, spatial: bool = False
    ) -> None:
        super().__init__()
        channels, height, width = shape
        widths = [config.width * multiplier for multiplier in config.multipliers]
        factor = config.patch * 2 ** (len(widths) - 1)
        if height % factor or width % factor:
            raise ConfigError(
                f"this U-Net needs sides divisible by {factor}, not {height}×{width}",
                "change shape, patch or multipliers",
            )
        places = (height // factor) * (width // factor)
        if places > MOST_PLACES:
            raise ConfigError(
                f"the smallest size of this U-Net has {places:,} places, at most {MOST_PLACES:,} "
                "can attend to one another",
                "shrink shape, raise patch or give more multipliers",
            )
        folded, dim = channels * config.patch**2, config.embedding
        self.embedding = Embedding(dim)
        self.fold = nn.PixelUnshuffle(config.patch)
        self.read = nn.Conv2d(folded, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            Level([(c, c)] * config.blocks, dim, nn.Conv2d(c, after, 3, stride=2, padding=1))
            for c, after in pairwise(widths)
        )
        deep = widths[-1]
        self.down.append(Level([(deep, deep)] * config.blocks, dim, nn.Identity()))
        self.middle = ResidualBlock(deep, embedding=dim)
        self.attention = Attention(deep)
        self.reading = CrossAttention(deep, dim) if config.cross_attention else None
        self.flat = Flat(deep * places, config.flat, dim) if config.flat else None
        # As in the flat network on pixels: predicted noise has as many dimensions as the data.
        self.gate = nn.Linear(dim, channels) if config.flat else None
        self.up = nn.ModuleList()
        for c, after in zip(widths[::-1], [*widths[-2::-1], 0], strict=True):
            resize = Upsample(c, after) if after else nn.Identity()
            self.up.append(Level([(2 * c, c)] * config.blocks, dim, resize))
        self.norm = group_norm(widths[0])
        self.write = nn.Conv2d(widths[0], folded, 3, padding=1)
        self.unfold = nn.PixelShuffle(config.patch)
        self.overlay = nn.Conv2d(dim, widths[0], config.patch, config.patch) if spatial else None
        overlay = () if self.overlay is None else self.overlay.parameters()
        gate = () if self.gate is None else self.gate.parameters()
        for parameter in (*self.write.parameters(), *gate, *overlay):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, time: Tensor, condition: Condition | None) -> Tensor:
        """The prediction, with the shape of `x`.

        Args:
            x: Noisy data, `[B, C, H, W]`.
            time: What the noiser's `embed` gives, `[B]`.
            condition: Its vector is `[B, embedding]`, its tokens `[B, T, embedding]`, its map
                `[B, embedding, H, W]`, or of another size, to which it is then averaged; None for
                a model without conditioners.
        """
        embedded = self.embedding(time, condition)
        h = self.read(self.fold(x))
        if self.overlay is not None:
            assert condition is not None
            assert condition.spatial is not None
            # Further channels of the input, by a layer that starts at zero: at first, a trained
            # net's output stays the same (Zhang et al. 2023, "ControlNet").
            spatial = nn.functional.adaptive_avg_pool2d(condition.spatial, (x.shape[2], x.shape[3]))
            h = h + self.overlay(spatial)
        skips: list[Tensor] = []
        for level in self.down:
            assert isinstance(level, Level)
            for block in level.blocks:
                h = block(h, embedded)
                skips.append(h)
            h = level.resize(h)
        h = self.attention(self.middle(h, embedded))
        if self.reading is not None:
            h = self.reading(h, condition)
        if self.flat is not None:
            h = self.flat(h, embedded)
        for level in self.up:
            assert isinstance(level, Level)
            for block in level.blocks:
                h = block(torch.cat([h, skips.pop()], 1), embedded)
            h = level.resize(h)
        out: Tensor = self.unfold(self.write(nn.functional.silu(self.norm(h))))
        return out if self.gate is None else out + self.gate(embedded)[:, :, None, None] * x


class Level(nn.Module):
    """The blocks of one size, of so many channels into and out of each, and what follows them."""

    def __init__(self, channels: list[tuple[int, int]], embedding: int, resize: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(*pair, embedding=embedding) for pair in channels)
        self.resize = resize


class Attention(nn.Module):
    """Self-attention between all places, with one head (Vaswani et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.read = nn.Linear(channels, 3 * channels)
        self.write = nn.Linear(channels, channels)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)

    def forward(self, x: Tensor) -> Tensor:
        places = self.norm(x).flatten(2).transpose(1, 2)
        query, key, value = self.read(places).chunk(3, 2)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = x + self.write(mixed).transpose(1, 2).reshape(x.shape)
        return out


class CrossAttention(nn.Module):
    """Each place attends to the tokens, with one head (Rombach et al. 2022, section 3.3).

    A learnt token beside them says nothing: a place need not attend to any other, and a condition
    whose tokens are all masked is no special case.
    """

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.query = nn.Linear(channels, channels)
        self.read = nn.Linear(dim, 2 * channels)
        self.nothing = nn.Parameter(torch.zeros(1, 1, dim))
        self.write = nn.Linear(channels, channels)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)

    def forward(self, x: Tensor, condition: Condition | None) -> Tensor:
        assert condition is not None  # the model refuses to be built otherwise
        assert condition.tokens is not None
        tokens, mask = condition.tokens, condition.mask
        tokens = torch.cat([self.nothing.expand(len(x), -1, -1), tokens], 1)
        if mask is not None:
            mask = nn.functional.pad(mask, (1, 0), value=True)[:, None]
        query = self.query(self.norm(x).flatten(2).transpose(1, 2))
        key, value = self.read(tokens).chunk(2, 2)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = x + self.write(mixed).transpose(1, 2).reshape(x.shape)
        return out


class Flat(ResidualMLP):
    """A flat network beside the identity, with weights of its own for each place.

    Convolutions and attention learn what lies where from the picture alone. At the smallest size
    (channels times places is `size`) it costs next to nothing.
    """

    def __init__(self, size: int, width: int, embedding: int) -> None:
        super().__init__(size, width=width, blocks=FLAT_BLOCKS, embedding=embedding)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        return x + self.through(x.flatten(1), embedded).reshape(x.shape)


class Upsample(nn.Sequential):
    """To twice the size."""

    def __init__(self, before: int, after: int) -> None:
        # A convolution before the copying costs a quarter of one after it.
        super().__init__(nn.Conv2d(before, 4 * after, 1), nn.PixelShuffle(2))
