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
