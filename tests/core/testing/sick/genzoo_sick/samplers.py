"""A sampler that keeps all rules, and samplers that break one each."""

from __future__ import annotations

import torch

from genzoo_core import Sampler


class Healthy(Sampler):
    def __call__(self, path, x):
        x0 = x
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = self.move(path, i, x0, noise)
            self.tell(path, i, x0)
        return x0

    def move(self, path, i, x0, noise):
        return path.mix(i + 1, x0, noise)

    def tell(self, path, i, x0):
        path.done(i, x0)


class Fitless(Healthy):
    def fits(self, noiser):
        return False


class Astray(Healthy):
    def __call__(self, path, x):
        return 0.8 * super().__call__(path, x)


class Shrinking(Healthy):
    def move(self, path, i, x0, noise):
        return path.mix(i + 1, x0, 0.9 * noise)


class GlobalNoise(Healthy):
    def move(self, path, i, x0, noise):
        torch.rand(1)
        return path.mix(i + 1, x0, noise)


class SharedNoise(Healthy):
    def move(self, path, i, x0, noise):
        fresh = path.rng.normal(noise.shape[1:], noise)
        return path.mix(i + 1, x0, 0.995 * noise + 0.0999 * fresh[:1])


class Remembering(Healthy):
    calls = 0

    def __call__(self, path, x):
        self.calls += 1
        return super().__call__(path, x) + 0.001 * self.calls


class InPlace(Healthy):
    def __call__(self, path, x):
        return x.copy_(super().__call__(path, x))


class Silent(Healthy):
    def tell(self, path, i, x0):
        pass


class FromZero(Healthy):
    def tell(self, path, i, x0):
        path.done(i - 1, x0)
