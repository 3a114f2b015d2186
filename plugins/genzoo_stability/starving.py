"""What a generator learns from a discriminator that is too good.

After Arjovsky & Bottou 2017, "Towards principled methods for training generative adversarial
networks", figures 2 and 3: the generator is frozen, a fresh discriminator is trained against it
for longer and longer, and the gradient of the generator's loss is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from genzoo_core.images import from_uint8
from genzoo_core.recipe import Recipe
from genzoo_core.rng import BatchRng
from genzoo_core.training import Batch, Progress
from genzoo_core.zoo import Zoo
from genzoo_stability.results import Starved
from genzoo_stability.stepping import LONG, fresh_stage
from genzoo_train.api import StageLoop

MINIMAX, NON_SATURATING, RELATIVISTIC = "minimax", "non-saturating", "relativistic"
BATCHES = 8
"""Over which a gradient's norm is averaged."""


def starve(
    zoo: Zoo,
    classic: Recipe,
    modern: Recipe,
    images: Tensor,
    *,
    pretraining: int,
    steps: Sequence[int],
    seeds: Iterable[int],
) -> Iterator[Starved]:
    """Train discriminators alone, and look at the generator's gradient on the way.

    Args:
        images: Training images, uint8 `[N, C, H, W]`.
        pretraining: Steps of the modern recipe that make the generator which all discriminators
            face, so that it draws something; 0 for a fresh one.
        steps: Steps after which a discriminator is looked at, ascending.
    """
    weights = pretrained_generator(zoo, modern, images, pretraining)
    # Minimax and non-saturating differ in the generator's loss alone.
    config: dict[str, object] = {**classic.model.config, "loss": NON_SATURATING}
    non_saturating = replace(classic, model=replace(classic.model, config=config))
    recipes = {MINIMAX: classic, NON_SATURATING: non_saturating, RELATIVISTIC: modern}
    for seed in seeds:
        for loss, recipe in recipes.items():
            loop = fresh_stage(zoo, recipe, images, seed)
            _generator_of(loop).load_state_dict(weights)
            draws, (discriminator, _) = Draws(images, loop.batch_size, seed), loop.phases
            for step in range(max(steps)):
                progress = Progress(step, LONG)
                loop.gradients(discriminator, draws.batch(), draws.rng(), progress)
                discriminator.apply(progress)
                if step + 1 in steps:
                    margin, gradient = _look(loop, images)
                    yield Starved(loss, seed, step + 1, margin, gradient)


def pretrained_generator(zoo: Zoo, recipe: Recipe, images: Tensor, steps: int) -> dict[str, Tensor]:
    """Weights of a generator after some steps of a GAN's training, the same at every call."""
    loop = fresh_stage(zoo, recipe, images, seed=0)
    draws = Draws(images, loop.batch_size, seed=0)
    for step in range(steps):
        batch, progress = draws.batch(), Progress(step, steps)
        for phase in loop.phases:
            loop.gradients(phase, batch, draws.rng(), progress)
            phase.apply(progress)
    return _generator_of(loop).state_dict()


def _look(loop: StageLoop, images: Tensor) -> tuple[float, float]:
    """The discriminator's margin and the norm of the generator's gradient; see `Starved`."""
    # The same batches for all, and other ones than those of any training.
    draws = Draws(images, loop.batch_size, seed=1_000_000)
    progress = Progress(1, LONG)  # a step without penalties, whose figures are not needed
    discriminator, generator = loop.phases
    margins, norms = [], []
    for _ in range(BATCHES):
        batch = draws.batch()
        _, figures = loop.gradients(discriminator, batch, draws.rng(), progress)
        margins.append(float(figures["D(real)"]) - float(figures["D(fake)"]))
        discriminator.forget()
        loop.gradients(generator, batch, draws.rng(), progress)
        norms.append(_gradient_norm(generator.parameters))
        generator.forget()
    return sum(margins) / BATCHES, sum(norms) / BATCHES


class Draws:
    """Batches of images uint8 `[N, C, H, W]` in random order, with replacement, and the noise of
    their steps."""

    def __init__(self, images: Tensor, size: int, seed: int) -> None:
        self._images, self._size = images, size
        self._generator = torch.Generator().manual_seed(seed)

    def batch(self) -> Batch:
        """The next batch."""
        rows = torch.randint(len(self._images), (self._size,), generator=self._generator)
        return Batch(from_uint8(self._images[rows]))

    def rng(self) -> BatchRng:
        """The noise of the next step."""
        return BatchRng(self._generator, self._size)


def _generator_of(loop: StageLoop) -> nn.Module:
    return loop.module.get_submodule("generator")


def _gradient_norm(parameters: Sequence[nn.Parameter]) -> float:
    # In double precision: the square of a starved gradient is less than float32 can hold.
    norms = [p.grad.double().norm() for p in parameters if p.grad is not None]
    return float(torch.stack(norms).norm())
