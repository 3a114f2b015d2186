"""A noiser that keeps all rules, and noisers that break one each."""

from __future__ import annotations

import torch

from genzoo_core import ScheduledNoiser


class Healthy(ScheduledNoiser):
    prediction = "flow"

    def coefficients(self, t):
        return 1 - t, t


class Backwards(Healthy):
    def coefficients(self, t):
        return t, 1 - t


class Wavy(Healthy):
    def coefficients(self, t):
        t = t + 0.3 * (2 * torch.pi * t).sin()
        return 1 - t.clamp(0, 1), t.clamp(0, 1)


class Rising(Healthy):
    def grid(self, steps):
        return torch.linspace(0, 1, steps + 1)


class Short(Healthy):
    def grid(self, steps):
        return torch.linspace(1, 0, steps)


class WrongSplit(Healthy):
    def split(self, prediction, x_t, t):
        x0, noise = super().split(prediction, x_t, t)
        return x0 + 0.1 * noise, noise


class Scaling(Healthy):
    def perturb(self, x, noise, t):
        return 1.1 * super().perturb(x, noise, t)

    def split(self, prediction, x_t, t):
        return super().split(prediction, x_t / 1.1, t)


class SharedTimes(Healthy):
    def sample_t(self, rng, like):
        return rng.uniform((), like)[:1].expand(rng.n)


class GlobalTimes(Healthy):
    def sample_t(self, rng, like):
        return torch.rand(rng.n)


class NegativeWeight(Healthy):
    def weight(self, t):
        return -torch.ones_like(t)


class GlobalPrior(Healthy):
    def prior(self, rng, shape, like):
        return torch.randn(rng.n, *shape)
