"""The hot loop: one stage, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from genzoo_core.conditioner import conditioners_of
from genzoo_core.errors import TrainingError
from genzoo_core.recipe import PhaseRecipe, Recipe
from genzoo_core.rng import BatchRng
from genzoo_core.training import Batch, Phase, Progress, Trainable
from genzoo_core.zoo import Opened
from genzoo_train.batches import Batches, Shuffled
from genzoo_train.figures import Figures
from genzoo_train.optimisation import MovingAverage, learning_rate, make_optimizer
from genzoo_train.seeds import derive
from genzoo_train.stages import Plan, parameters_of

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam and AdamW know of a parameter after its first step."""

SHOWN = 100
"""Characters of a tensor's name that a message repeats."""


class PhaseLoop:
    """A phase with its optimiser.

    Args:
        phase: The model's phase.
        recipe: Settings of its optimiser.
    """

    def __init__(self, phase: Phase, recipe: PhaseRecipe) -> None:
        self.phase, self.recipe = phase, recipe
        self.parameters = list(phase.parameters)
        self.optimizer = make_optimizer(self.parameters, recipe)

    def require_grad(self, value: bool) -> None:
        """Whether the phase's parameters get gradients."""
        for parameter in self.parameters:
            parameter.requires_grad_(value)

    def apply(self, progress: Progress) -> None:
        """Clip the gradients and take the optimiser's step."""
        if self.recipe.clip:
            clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimizer.param_groups[0]["lr"] = learning_rate(self.recipe, progress)
        self.optimizer.step()
        self.forget()

    def forget(self) -> None:
        """Drop the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


class StageLoop:
    """One stage of a training, one step at a time.

    What a step does is a pure function of the weights, the optimisers' state and the step's
    number; so a training that goes on from a checkpoint gives the very weights of one that was
    never interrupted.

    Args:
        plan: The stage and its settings.
        built: The module it trains.
        batches: The training set.
        recipe: The recipe.
        fabric: Precision, device and backward pass.

    Attributes:
        module: The module it trains.
        batch_size: Images in a step.
        step: Steps done.
        phases: Its phases, in the order in which a step runs them.
        average: The moving average of what the stage trains.
        figures: What the steps gave.
    """

    def __init__(
        self, plan: Plan, built: Opened, batches: Batches, recipe: Recipe, fabric: Fabric
    ) -> None:
        self.plan, self.step = plan, 0
        self.figures = Figures(plan.stage.name)
        self._built, self._batches, self._fabric = built, batches, fabric
        self._seed, self._autocast = recipe.seed, recipe.precision != "32"
        self.module, self.batch_size = built.module, plan.recipe.batch_size
        self._order = Shuffled(
            len(batches), self.batch_size, recipe.seed, plan.stage.name, fabric.device
        )
        self._generator = torch.Generator(fabric.device)
        conditioners = conditioners_of(built.module)
        self._drops = [
            (name, conditioners[name], given.drop)
            for name, given in recipe.model.conditioners.items()
            if given.drop
        ]
        self.phases = [PhaseLoop(phase, plan.settings(phase.name)) for phase in plan.stage.phases]
        parameters = parameters_of(plan.stage)
        self.average = MovingAverage(parameters, plan.recipe.ema, self.batch_size)
        names = {id(p): name for name, p in built.module.named_parameters()}
        self._names = [names[id(p)] for p in parameters]
        built.module.requires_grad_(False)
        self._active: PhaseLoop | None = None

    def advance(self) -> None:
        """Do one step: every phase that is due, then the moving average."""
        progress = Progress(self.step, self.plan.steps)
        batch = self._batch()
        for loop in self.phases:
            if self.step % loop.phase.every == 0:
                rng = self._rng(loop.phase.name)
                loss, named = self.gradients(loop, batch, rng, progress)
                loop.apply(progress)
                self.figures.add(self.step, loop.phase.name, loss.detach(), named)
        self.average.update(self.step)
        self.step += 1

    def rehearse(self) -> None:
        """Do all of a step but change the weights, to see how long it takes."""
        buffers = [(buffer, buffer.clone()) for buffer in self.module.buffers()]
        progress = Progress(self.step, self.plan.steps)
        batch = self._batch()
        for loop in self.phases:
            self.gradients(loop, batch, self._rng(loop.phase.name), progress)
            loop.forget()
        for buffer, before in buffers:
            buffer.copy_(before)

    def _batch(self) -> Batch:
        batch = self._batches.at(self._order.at(self.step))
        return self._drop(batch) if self._drops else batch

    def gradients(
        self, loop: PhaseLoop, batch: Batch, rng: BatchRng, progress: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """A fresh forward and backward pass for one phase alone.

        The gradients are left in `loop.parameters`, for `loop.apply` or `loop.forget`.

        Args:
            loop: One of `phases`.
            batch: What it sees.
            rng: Its noise.
            progress: Where the stage stands.

        Returns:
            The loss, and the figures that the model gives with it.
        """
        if loop is not self._active:
            if self._active is not None:
                self._active.require_grad(False)
            loop.require_grad(True)
            self._active = loop
        assert isinstance(self.module, Trainable)  # plan_stages made sure
        with self._fabric.autocast() if self._autocast else nullcontext():
            loss, named = self.module.loss(batch, rng, loop.phase, progress)
        self._fabric.backward(loss)
        return loss, named

    def _drop(self, batch: Batch) -> Batch:
        rng = self._rng("drop")
        conditions = dict(batch.conditions)
        for name, conditioner, probability in self._drops:
            conditions[name] = conditioner.drop(conditions[name], rng, probability)
        return Batch(batch.images, conditions, batch.rows)

    def _rng(self, use: str) -> BatchRng:
        """Noise for one use in this step, whatever was drawn before it."""
        seed = derive(self._seed, self.plan.stage.name, self.step, use)
        self._generator.manual_seed(seed)
        # Dropout layers draw from the global generator.
        torch.default_generator.manual_seed(seed + 1)
        if self._fabric.device.type == "cuda":
            torch.cuda.manual_seed(seed + 1)
        return BatchRng(self._generator, self.batch_size)

    def tensors(self) -> dict[str, Tensor]:
        """All that the rest of the stage depends on, by name."""
        state = {f"model.{name}": tensor for name, tensor in self._built.own_tensors().items()}
        for name, average in zip(self._names, self.average.averages, strict=False):
            state[f"average.{name}"] = average
        parameters = zip(self._names, parameters_of(self.plan.stage), strict=True)
        for name, parameter in parameters:
            for loop in self.phases:
                for key, value in loop.optimizer.state.get(parameter, {}).items():
                    state[f"optimizer.{key}.{name}"] = value
        return state

    def restore(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Go on from `step` with what `tensors()` gave there.

        Raises:
            TrainingError: The tensors are those of another module; nothing is changed then.
        """
        state = dict(tensors)
        own = {f"model.{name}": tensor for name, tensor in self._built.own_tensors().items()}
        for name, average in zip(self._names, self.average.averages, strict=False):
            own[f"average.{name}"] = average
        parameters = dict(zip(self._names, parameters_of(self.plan.stage), strict=True))
        stepped = [name for name in parameters if f"optimizer.step.{name}" in state]
        wanted = own | {
            f"optimizer.{moment}.{name}": torch.zeros(()) if moment == "step" else parameters[name]
            for name in stepped
            for moment in MOMENTS
        }
        for name, tensor in wanted.items():
            there = state.get(name)
            if there is None or (there.shape, there.dtype) != (tensor.shape, tensor.dtype):
                raise _foreign(f"has no {name} of shape {list(tensor.shape)} and {tensor.dtype}")
        if unknown := next((name for name in state if name not in wanted), None):
            raise _foreign(f"has {unknown[:SHOWN]}, which is not of this stage")
        for name, tensor in own.items():
            tensor.copy_(state[name])
        owner = {id(p): loop.optimizer for loop in self.phases for p in loop.parameters}
        for name in stepped:
            parameter = parameters[name]
            place = owner[id(parameter)].state[parameter]
            for moment in MOMENTS:
                place[moment] = state[f"optimizer.{moment}.{name}"].to(parameter.device)
        self.step = step


def _foreign(fault: str) -> TrainingError:
    return TrainingError(
        f"the checkpoint {fault}", "its plugin has changed since: train in another --out"
    )
