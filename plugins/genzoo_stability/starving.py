"""What a generator learns from a discriminator that is too good.

After Arjovsky & Bottou 2017, "Towards principled methods for training generative adversarial
networks", figures 2 and 3: the generator is frozen, a fresh discriminator is trained against it
for longer and longer, and the gradient of the generator's loss is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import torch
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
LOSSES = (MINIMAX, NON_SATURATING, RELATIVISTIC)
BATCHES = 8
"""Over which a gradient's norm is averaged."""


@dataclass(frozen=True)
class Experiment:
    """The experiment.

    Attributes:
        zoo: Builds the models.
        classic: Recipe of the GAN with the minimax loss.
        modern: Recipe of the GAN with the relativistic loss and its penalties.
        images: Training images, uint8 `[N, C, H, W]`.
        pretraining: Steps of the modern recipe that make the generator, so that it draws
            something; 0 for a fresh one.
        steps: Steps after which the discriminator is looked at, ascending.
    """

    zoo: Zoo
    classic: Recipe
    modern: Recipe
    images: Tensor
    pretraining: int
    steps: Sequence[int]

    def recipes(self) -> dict[str, Recipe]:
        """The GAN of each loss. Minimax and non-saturating differ in the generator's alone."""
        saturating = self.classic.model.config
        config: dict[str, object] = {**saturating, "loss": NON_SATURATING}
        model = msgspec.structs.replace(self.classic.model, config=config)
        return {
            MINIMAX: self.classic,
            NON_SATURATING: msgspec.structs.replace(self.classic, model=model),
            RELATIVISTIC: self.modern,
        }

    def generator(self) -> dict[str, Tensor]:
        """Weights of the generator that all discriminators face, the same at every call."""
        loop = fresh_stage(self.zoo, self.modern, self.images, seed=0)
        draws = Draws(self.images, loop.batch_size, seed=0)
        for step in range(self.pretraining):
            batch, progress = draws.batch(), Progress(step, self.pretraining)
            for phase in loop.phases:
                loop.gradients(phase, batch, draws.rng(), progress)
                phase.apply(progress)
        return _generator_of(loop).state_dict()

    def run(self, weights: Mapping[str, Tensor], loss: str, seed: int) -> Iterator[Starved]:
        """Train one discriminator alone, and look at the generator's gradient on the way.

        Args:
            weights: The generator's.
            loss: One of `LOSSES`: what both sides play for.
            seed: Of the discriminator, the batches and the noise.
        """
        loop = fresh_stage(self.zoo, self.recipes()[loss], self.images, seed)
        _generator_of(loop).load_state_dict(weights)
        draws = Draws(self.images, loop.batch_size, seed)
        discriminator, _ = loop.phases
        done = 0
        for goal in self.steps:
            for step in range(done, goal):
                progress = Progress(step, LONG)
                loop.gradients(discriminator, draws.batch(), draws.rng(), progress)
                discriminator.apply(progress)
            done = goal
            margin, gradient = self._look(loop)
            yield Starved(loss, seed, goal, margin, gradient)

    def _look(self, loop: StageLoop) -> tuple[float, float]:
        """The discriminator's margin and the norm of the generator's gradient; see `Starved`."""
        # The same batches for all, and other ones than those of any training.
        draws = Draws(self.images, loop.batch_size, seed=1_000_000)
        progress = Progress(1, LONG)  # not a step with penalties, whose figures are not looked at
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
    """Batches of images in random order, with replacement, and the noise of their steps.

    Args:
        images: uint8 `[N, C, H, W]`.
        size: Images in a batch.
        seed: Of both.
    """

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
