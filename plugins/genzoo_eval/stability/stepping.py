"""Training steps without a trainer: as small as measuring a step's cost or its gradients needs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genzoo_core.errors import TrainingError
from genzoo_core.images import from_uint8
from genzoo_core.recipe import PhaseRecipe, Recipe
from genzoo_core.rng import BatchRng
from genzoo_core.specs import ModelSpec
from genzoo_core.training import Batch, Phase, Progress, Trainable
from genzoo_core.zoo import Zoo


@dataclass
class Trainee:
    """A module with an optimiser for each phase of its only stage.

    Attributes:
        module: The module.
        phases: Its phases by name.
        optimizers: One for each.
        batch_size: Images in a step.
    """

    module: nn.Module
    phases: dict[str, Phase]
    optimizers: dict[str, torch.optim.Optimizer]
    batch_size: int

    @classmethod
    def build(cls, zoo: Zoo, recipe: Recipe, seed: int) -> Trainee:
        """A module with fresh weights, for training without conditions.

        Raises:
            TrainingError: It has more than one stage, or none.
        """
        model = recipe.model
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = zoo.build(ModelSpec(model.component, model.config), training=True).module
        stages = module.stages() if isinstance(module, Trainable) else ()
        if len(stages) != 1 or len(recipe.stages) != 1:
            raise TrainingError(f"{recipe.name}: the protocol takes models of one stage")
        given = recipe.stages[0]
        phases = {phase.name: phase for phase in stages[0].phases}
        optimizers = {
            name: _optimizer(phase, given.phases.get(name, PhaseRecipe()))
            for name, phase in phases.items()
        }
        return cls(module.train(), phases, optimizers, given.batch_size)

    def loss(
        self, images: Tensor, generator: torch.Generator, phase: str, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The loss of a phase on float images, with its figures."""
        rng = BatchRng(generator, len(images))
        assert isinstance(self.module, Trainable)  # `build` made sure
        return self.module.loss(Batch(images), rng, self.phases[phase], progress)

    def gradients(self, loss: Tensor, phase: str) -> tuple[Tensor | None, ...]:
        """Gradients of a loss in the parameters of a phase; None where it does not depend."""
        return torch.autograd.grad(loss, self.phases[phase].parameters, allow_unused=True)

    def step(
        self, images: Tensor, generator: torch.Generator, phase: str, progress: Progress
    ) -> dict[str, Tensor | float]:
        """One step of one phase on float images; gives the loss's figures."""
        loss, figures = self.loss(images, generator, phase, progress)
        gradients = self.gradients(loss, phase)
        for parameter, gradient in zip(self.phases[phase].parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizers[phase].step()
        self.optimizers[phase].zero_grad(set_to_none=True)
        return figures


class Draws:
    """Batches of a dataset in random order, with replacement.

    Args:
        images: uint8 `[N, C, H, W]`.
        seed: Draws them, and the noise of the steps.

    Attributes:
        generator: Where chance comes from.
    """

    def __init__(self, images: Tensor, seed: int) -> None:
        self._images = images
        self.generator = torch.Generator().manual_seed(seed)

    def batch(self, size: int) -> Tensor:
        """Images, float32 `[size, C, H, W]` in [-1, 1]."""
        rows = torch.randint(len(self._images), (size,), generator=self.generator)
        return from_uint8(self._images[rows])


def _optimizer(phase: Phase, recipe: PhaseRecipe) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(
        phase.parameters,
        lr=recipe.lr,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
