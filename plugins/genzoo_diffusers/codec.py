"""`AutoencoderKL` as a codec."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genzoo_core import Codec, Condition, Posterior


class KLCodec(Codec):
    """A variational autoencoder of diffusers; its latents are scaled as its diffusion learns them.

    Args:
        vae: `diffusers.AutoencoderKL`.
        sample_shape: (C, H, W) of the pictures whose latents have `latent_shape`.
    """

    def __init__(self, vae: Any, sample_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.vae = vae
        self.sample_shape = sample_shape
        _, height, width = sample_shape
        shrinks = 2 ** (len(vae.config.block_out_channels) - 1)
        channels = vae.config.latent_channels
        self.latent_shape = (channels, height // shrinks, width // shrinks)
        self._scale = float(vae.config.scaling_factor)
        self._shift = float(vae.config.get("shift_factor") or 0)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """The latent's distribution; rows are encoded one by one."""
        found = [self.vae.encode(row[None].to(self.vae.dtype)).latent_dist for row in x]
        mean = torch.cat([each.mean for each in found]).float()
        std = torch.cat([each.std for each in found]).float()
        return Posterior((mean - self._shift) * self._scale, std * self._scale)

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        """Pictures; latents are decoded one by one, for that takes the most memory."""
        latents = (z / self._scale + self._shift).to(self.vae.dtype)
        return torch.cat([self.vae.decode(row[None]).sample for row in latents]).float()
