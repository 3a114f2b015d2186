"""A sampler that keeps all rules, and samplers that break one each."""

from __future__ import annotations

import torch

from genzoo_core import Sampler


class Healthy(Sampler):
    def __call__(self, denoise, x, noiser, grid, rng, step_done=None):
        steps = len(grid) - 1
        x0 = x
        for i in range(steps):
            now, then = grid[i].expand(len(x)), grid[i + 1].expand(len(x))
            x0, noise = denoise(x, now)
            x = self.move(noiser, x0, noise, then, rng)
            if step_done is not None:
                self.tell(step_done, i, steps, x0)
        return x0

    def move(self, noiser, x0, noise, then, rng):
        return noiser.perturb(x0, noise, then)

    def tell(self, step_done, i, steps, x0):
        step_done(i + 1, steps, x0)


class Fitless(Healthy):
    def fits(self, noiser):
        return False


class Astray(Healthy):
    def __call__(self, *args):
        return 0.8 * super().__call__(*args)


class Shrinking(Healthy):
    def move(self, noiser, x0, noise, then, rng):
        return noiser.perturb(x0, 0.9 * noise, then)


class GlobalNoise(Healthy):
    def move(self, noiser, x0, noise, then, rng):
        torch.rand(1)
        return noiser.perturb(x0, noise, then)


class SharedNoise(Healthy):
    def move(self, noiser, x0, noise, then, rng):
        fresh = rng.normal(noise.shape[1:], noise)
        return noiser.perturb(x0, 0.995 * noise + 0.0999 * fresh[:1], then)


class Remembering(Healthy):
    calls = 0

    def __call__(self, *args):
        self.calls += 1
        return super().__call__(*args) + 0.001 * self.calls


class InPlace(Healthy):
    def __call__(self, denoise, x, *args):
        out = super().__call__(denoise, x, *args)
        return x.copy_(out)


class Silent(Healthy):
    def tell(self, step_done, i, steps, x0):
        pass


class FromZero(Healthy):
    def tell(self, step_done, i, steps, x0):
        step_done(i, steps, x0)
