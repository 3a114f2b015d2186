"""What a generator learns from a discriminator that is too good.

After Arjovsky & Bottou 2017, "Towards principled methods for training generative adversarial
networks", figures 2 and 3: a generator is held fixed, a fresh discriminator is trained against it
for longer and longer, and the generator's gradient is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core.recipe import Recipe
from genzoo_core.training import Progress
from genzoo_core.zoo import Zoo
from genzoo_eval.stability.results import Starved
from genzoo_eval.stability.stepping import Draws, Trainee

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
        trainee = Trainee.build(self.zoo, self.modern, seed=0)
        draws = Draws(self.images, seed=0)
        for step in range(self.pretraining):
            images = draws.batch(trainee.batch_size)
            for phase in trainee.phases:
                trainee.step(images, draws.generator, phase, Progress(step, self.pretraining))
        return _generator_of(trainee.module).state_dict()

    def run(self, weights: Mapping[str, Tensor], loss: str, seed: int) -> Iterator[Starved]:
        """Train one discriminator alone, and look at the generator's gradient on the way.

        Args:
            weights: The generator's.
            loss: One of `LOSSES`: what both sides play for.
            seed: Of the discriminator, the batches and the noise.
        """
        trainee = Trainee.build(self.zoo, self.recipes()[loss], seed)
        _generator_of(trainee.module).load_state_dict(weights)
        draws = Draws(self.images, seed)
        done = 0
        for goal in self.steps:
            # The penalties' weights fall over a training; here they stay as at its beginning.
            for step in range(done, goal):
                progress = Progress(step, 1_000_000)
                images = draws.batch(trainee.batch_size)
                trainee.step(images, draws.generator, "discriminator", progress)
            done = goal
            yield self._look(trainee, loss, seed, goal)

    def _look(self, trainee: Trainee, loss: str, seed: int, steps: int) -> Starved:
        draws = Draws(self.images, seed=1_000_000)  # the same for all, and for none a training's
        # Not a step with penalties, whose figures are not looked at.
        progress = Progress(1, 1_000_000)
        margins, norms = [], []
        for _ in range(BATCHES):
            images = draws.batch(trainee.batch_size)
            _, figures = trainee.loss(images, draws.generator, "discriminator", progress)
            margins.append(float(figures["D(real)"]) - float(figures["D(fake)"]))
            value, _ = trainee.loss(images, draws.generator, "generator", progress)
            gradients = trainee.gradients(value, "generator")
            norms.append(_norm([gradient for gradient in gradients if gradient is not None]))
        margin, norm = sum(margins) / BATCHES, sum(norms) / BATCHES
        return Starved(loss, seed, steps, margin, norm)


def _generator_of(module: nn.Module) -> nn.Module:
    return module.get_submodule("generator")


def _norm(gradients: Sequence[Tensor]) -> float:
    # In double precision: the square of a starved gradient is less than float32 can hold.
    norms = torch.stack([gradient.double().norm() for gradient in gradients])
    return float(norms.norm())
