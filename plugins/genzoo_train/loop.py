"""The training loop: one stage, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from genzoo_core.conditioner import conditioners_of
from genzoo_core.errors import TrainingError
from genzoo_core.ranks import Share, sharing
from genzoo_core.recipe import PhaseRecipe, Recipe
from genzoo_core.rng import BatchRng
from genzoo_core.training import Batch, Phase, Progress, Trainable
from genzoo_core.zoo import Opened
from genzoo_train.batches import Batches, Shuffled, derive
from genzoo_train.figures import Figures
from genzoo_train.optimisation import MovingAverage, learning_rate, make_optimizer
from genzoo_train.ranks import ALONE, Ranks
from genzoo_train.stages import Plan
from genzoo_train.whole_batch import WholeBatch, has_layers

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""The state of a parameter in Adam and AdamW after its first step."""


class PhaseLoop:
    """A phase with its optimiser.

    Attributes:
        whole_batch: Whether its layers must see more rows than are computed here.
    """

    def __init__(self, phase: Phase, recipe: PhaseRecipe) -> None:
        self.phase, self.recipe = phase, recipe
        self.parameters = list(phase.parameters)
        self.optimizer = make_optimizer(self.parameters, recipe)
        self.whole_batch = False

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

    Of several ranks each does the same steps on its share of the images, and all have the same
    weights after each.

    Attributes:
        module: The module it trains.
        batch_size: Images in a step, those of all ranks.
        step: Steps done.
        phases: In the order in which a step runs them.
        average: The moving average of what the stage trains.
        figures: What the steps gave.
    """

    def __init__(
        self,
        plan: Plan,
        built: Opened,
        batches: Batches,
        recipe: Recipe,
        fabric: Fabric,
        ranks: Ranks = ALONE,
    ) -> None:
        self.plan, self.step = plan, 0
        self.figures = Figures(plan.stage.name, ranks)
        self._built, self._batches, self._fabric = built, batches, fabric
        self._seed = recipe.seed
        self.module, self.batch_size = built.module, plan.recipe.batch_size
        self._ranks = ranks
        self._shares = ranks.shares(self.batch_size, plan.recipe.accumulate)
        self._shared = self._shares[0].count > 1
        self._layers = has_layers(built.module)
        self._order = Shuffled(
            len(batches),
            self.batch_size,
            recipe.seed,
            plan.stage.name,
            fabric.device,
            recipe.data.stream,
        )
        self._generator = torch.Generator(fabric.device)
        conditioners = conditioners_of(built.module)
        self._drops = [
            (name, conditioners[name], part.drop)
            for name, part in recipe.model.conditioners.items()
            if part.drop
        ]
        self.phases = [PhaseLoop(phase, plan.settings(phase.name)) for phase in plan.stage.phases]
        for loop in self.phases:
            loop.whole_batch = self._shared
        names = {id(p): name for name, p in built.module.named_parameters()}
        self._trained = {
            names[id(p)]: (p, loop.optimizer) for loop in self.phases for p in loop.parameters
        }
        parameters = [parameter for parameter, _ in self._trained.values()]
        self.average = MovingAverage(parameters, plan.recipe.ema, self.batch_size)
        built.module.requires_grad_(False)
        self._active: PhaseLoop | None = None

    def advance(self) -> None:
        """Do one step: every phase that is due, then the moving average."""
        progress = Progress(self.step, self.plan.steps)
        batches = self._step_batches()
        for loop in self.phases:
            if self.step % loop.phase.every == 0:
                loss, named = self._whole_gradients(loop, batches, progress)
                loop.apply(progress)
                self.figures.add(self.step, loop.phase.name, loss, named)
        self.average.update(self.step)
        self.step += 1

    def rehearse(self) -> None:
        """Do all of a step but change the weights, to see how long it takes."""
        buffers = [(buffer, buffer.clone()) for buffer in self.module.buffers()]
        progress = Progress(self.step, self.plan.steps)
        batches = self._step_batches()
        for loop in self.phases:
            self._whole_gradients(loop, batches, progress)
            loop.forget()
        for buffer, before in buffers:
            buffer.copy_(before)

    def _step_batches(self) -> list[Batch]:
        """What this rank sees in a step: a batch for each of its shares."""
        rows = self._order.at(self.step)
        batches = [self._batches.at(rows[share.rows]) for share in self._shares]
        if not self._drops:
            return batches
        return [self._drop(b, s) for b, s in zip(batches, self._shares, strict=True)]

    def _whole_gradients(
        self, loop: PhaseLoop, batches: Sequence[Batch], progress: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """The gradients of the loss of the whole batch, that loss, and this rank's part of the
        figures."""
        losses: list[Tensor] = []
        figures: list[dict[str, Tensor | float]] = []
        mode = WholeBatch()
        for share, batch in zip(self._shares, batches, strict=True):
            rng = self._rng(loop.phase.name, share)
            with sharing(share), mode if loop.whole_batch else nullcontext():
                loss, named = self.gradients(loop, batch, rng, progress, share.weight)
            losses.append(loss.detach())
            figures.append(dict(named))
        # Functions of such layers outside of modules are seen in the first pass.
        loop.whole_batch = loop.whole_batch and (mode.used or self._layers)
        if not self._shared:
            return losses[0], figures[0]
        weights = [share.weight for share in self._shares]
        total = torch.stack([w * loss for w, loss in zip(weights, losses, strict=True)]).sum()
        parts: dict[str, Tensor | float] = {}
        for weight, named in zip(weights, figures, strict=True):
            for name, value in named.items():
                parts[name] = parts.get(name, 0.0) + weight * value
        return self._ranks.sum_gradients(loop.parameters, total), parts

    def gradients(
        self,
        loop: PhaseLoop,
        batch: Batch,
        rng: BatchRng,
        progress: Progress,
        weight: float = 1.0,
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """A fresh forward and backward pass for one phase alone.

        The gradients, times `weight`, are added to those in `loop.parameters`, for `loop.apply` or
        `loop.forget`.

        Returns:
            The loss, and the figures that the model gives with it.
        """
        if loop is not self._active:
            if self._active is not None:
                self._active.require_grad(False)
            loop.require_grad(True)
            self._active = loop
        assert isinstance(self.module, Trainable)  # plan_stages made sure
        with self._fabric.autocast():
            loss, named = self.module.loss(batch, rng, loop.phase, progress)
        self._fabric.backward(loss if weight == 1 else weight * loss)
        return loss, named

    def evaluate(
        self, phase: Phase, batch: Batch, rng: BatchRng
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """The loss of a phase and its figures without gradients, as at the end of the stage."""
        if self._active is not None:
            self._active.require_grad(False)
            self._active = None
        assert isinstance(self.module, Trainable)  # plan_stages made sure
        end = Progress(self.plan.steps, self.plan.steps)
        with self._fabric.autocast():
            loss, named = self.module.loss(batch, rng, phase, end)
        return loss.detach(), named

    def _drop(self, batch: Batch, share: Share) -> Batch:
        rng = self._rng("drop", share)
        conditions = dict(batch.conditions)
        for name, conditioner, probability in self._drops:
            conditions[name] = conditioner.drop(conditions[name], rng, probability)
        return Batch(batch.images, conditions, batch.rows)

    def _rng(self, use: str, share: Share) -> BatchRng:
        """Noise for one use of a share in this step, which depends on nothing drawn before."""
        seed = derive(self._seed, self.plan.stage.name, self.step, use)
        self._generator.manual_seed(seed)
        # Dropout layers draw from the global generator.
        torch.default_generator.manual_seed(seed + 1)
        if self._fabric.device.type == "cuda":
            torch.cuda.manual_seed(seed + 1)
        return BatchRng(self._generator, self.batch_size, share if self._shared else None)

    def tensors(self) -> dict[str, Tensor]:
        """All that the rest of the stage depends on, by name."""
        state = self._weights()
        for name, (parameter, optimizer) in self._trained.items():
            for key, value in optimizer.state.get(parameter, {}).items():
                state[f"optimizer.{key}.{name}"] = value
        return state

    def _weights(self) -> dict[str, Tensor]:
        state = {f"model.{name}": tensor for name, tensor in self._built.own_tensors().items()}
        averages = zip(self._trained, self.average.averages, strict=False)
        return state | {f"average.{name}": average for name, average in averages}

    def restore(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Go on from `step` with what `tensors()` gave there.

        Raises:
            TrainingError: The tensors are those of another module; nothing is changed then.
        """
        own = self._weights()
        stepped = [name for name in self._trained if f"optimizer.step.{name}" in tensors]
        wanted = own | {
            f"optimizer.{moment}.{name}": torch.zeros(())
            if moment == "step"
            else self._trained[name][0]
            for name in stepped
            for moment in MOMENTS
        }
        faults = [
            f"has no {name} of shape {list(tensor.shape)} and {tensor.dtype}"
            for name, tensor in wanted.items()
            if (there := tensors.get(name)) is None
            or (there.shape, there.dtype) != (tensor.shape, tensor.dtype)
        ]
        unknown = [name for name in tensors if name not in wanted]
        faults += [f"has {name[:100]}, which is not of this stage" for name in unknown]
        if faults:
            hint = "its plugin has changed since: train in another --out"
            raise TrainingError(f"the checkpoint {faults[0]}", hint)
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
        for name in stepped:
            parameter, optimizer = self._trained[name]
            optimizer.state[parameter] = {
                moment: tensors[f"optimizer.{moment}.{name}"].to(parameter.device)
                for moment in MOMENTS
            }
        self.step = step
