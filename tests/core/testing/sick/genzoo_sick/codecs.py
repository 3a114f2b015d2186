"""A codec that keeps all rules, and codecs that break one each."""

from __future__ import annotations

import math

import msgspec
import torch
from torch import nn

from genzoo_core import Codec, Posterior


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shape: tuple[int, int, int] = (1, 4, 4)


class Healthy(Codec):
    Config = Config

    def __init__(self, config, context):
        super().__init__()
        self.shape, self.latent_shape = config.shape, (3,)
        self.read = nn.Linear(math.prod(config.shape), 3)
        self.write = nn.Linear(3, math.prod(config.shape))

    def encode(self, x, condition=None):
        mean = self.read(x.flatten(1))
        return Posterior(mean, torch.ones_like(mean))

    def decode(self, z, condition=None):
        return self.write(z).reshape(-1, *self.shape)


class WrongLatent(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        self.latent_shape = (4,)


class NegativeDeviation(Healthy):
    def encode(self, x, condition=None):
        mean = self.read(x.flatten(1))
        return Posterior(mean, -torch.ones_like(mean))


class Bare(Healthy):
    def encode(self, x, condition=None):
        return self.read(x.flatten(1))


class Centred(Healthy):
    def encode(self, x, condition=None):
        mean = self.read(x.flatten(1))
        return Posterior(mean - mean.mean(0) / 2)


class Drawing(Healthy):
    def encode(self, x, condition=None):
        mean = self.read(x.flatten(1))
        torch.rand(1)
        return Posterior(mean)


class Flat(Healthy):
    def decode(self, z, condition=None):
        return self.write(z)


class Unsteady(Healthy):
    """Sound on smooth pictures, and at the mercy of rounding on noise."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.latent_shape = (self.own().shape[0],)
        self.register_buffer("basis", self.own())

    def own(self):
        """Its own pictures are the combinations of these rows, orthonormal `[64, 16 · 16]`."""
        cosines = torch.cos(math.pi / 16 * torch.arange(8)[:, None] * (torch.arange(16) + 0.5))
        cosines = cosines / cosines.norm(dim=1, keepdim=True)
        return torch.kron(cosines, cosines)

    def encode(self, x, condition=None):
        rounded = x.flatten(1) * (1 + 1e-7 * len(x))  # otherwise in batches of another size
        mean = rounded @ self.basis.T
        stray = (rounded - mean @ self.basis).square().sum(1, keepdim=True)
        return Posterior(mean + torch.sin(1e5 * stray.square()))

    def decode(self, z, condition=None):
        return (z @ self.basis).reshape(-1, *self.shape)


class Coded(Healthy):
    """Its latents are the places of the nearest of five numbers."""

    codebook_size = 5

    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("codebook", torch.linspace(-1, 1, 5))

    def encode(self, x, condition=None):
        distances = (self.read(x.flatten(1))[..., None] - self.codebook).abs()
        return Posterior(distances.argmin(-1))

    def decode(self, z, condition=None):
        return super().decode(self.codebook[z])


class Uncounted(Coded):
    codebook_size = None


class FewerCodes(Coded):
    codebook_size = 1


class FloatCodes(Coded):
    def encode(self, x, condition=None):
        return Posterior(super().encode(x).mean.float())

    def decode(self, z, condition=None):
        return super().decode(z.long())


class SpreadCodes(Coded):
    def encode(self, x, condition=None):
        codes = super().encode(x).mean
        return Posterior(codes, torch.ones(codes.shape))
