"""A training of a few steps: what `loss` and `finalize` of a `Trainable` promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import conditioners_of
from genzoo_core.model import GenerativeModel
from genzoo_core.rng import BatchRng
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, image_shape
from genzoo_core.testing.comparing import relative_error
from genzoo_core.testing.randomness import MEND, reseeded
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.stages import sound_stages
from genzoo_core.training import Batch, Phase, Progress, Trainable
from genzoo_core.zoo import Opened

STEPS = 3
"""Steps that every stage is trained."""


@dataclass(frozen=True)
class Trained:
    """A module that was built for training, and the batch to train it on."""

    built: Opened
    batch: Batch

    @property
    def module(self) -> Trainable:
        assert isinstance(self.built.module, Trainable)
        return self.built.module

    def phases(self) -> list[Phase]:
        return [phase for stage in self.module.stages() for phase in stage.phases]

    def maps(self) -> list[nn.Parameter]:
        """The projections of a model's maps (`Condition.spatial`); empty where there are none."""
        module = self.built.module
        if isinstance(module, GenerativeModel):
            return list(module.conditioning.spatial.parameters())
        return []

    def named(self) -> list[tuple[str, nn.Parameter]]:
        return list(self.built.module.named_parameters())

    def backward(self, phase: Phase, step: int = 0, seed: int = 0) -> None:
        with reseeded(seed):
            loss, _ = self.loss(phase, step, seed)
            torch.autograd.backward(loss)

    def loss(self, phase: Phase, step: int = 0, seed: int = 0) -> tuple[Tensor, object]:
        """The loss of one phase; only its parameters require gradients, as in a training."""
        self.built.module.requires_grad_(False)
        for parameter in phase.parameters:
            parameter.requires_grad_(True)
            parameter.grad = None
        rng = BatchRng(torch.Generator().manual_seed(seed), len(self.batch.images))
        return self.module.loss(self.batch, rng, phase, Progress(step, 10))


def check_training(record: Recorder, subject: Trained) -> bool:
    """Run all checks of what can be trained; the module is trained for a few steps.

    Returns whether it was.
    """
    frozen = [(p, p.requires_grad) for p in subject.built.module.parameters()]
    train_mode(subject.built)
    disjoint = "phases are disjoint, and cover all that is trainable"
    record.check(disjoint, sound_stages, subject.built)
    claims: list[tuple[str, Callable[[Trained], Iterator[str]]]] = [
        ("the loss is a finite scalar, with figures to log", scalar),
        ("a phase gives gradients to its parameters", gradients),
        ("the loss is a function of its arguments", function),
        ("every phase trains", train),
    ]
    if subject.maps():
        claims.append(("a loss depends on the maps of its conditioners", uses_maps))
    formed, sound = True, True
    for claim, check in claims:
        if not (formed if check is function else sound):
            record.skip(claim, "there is no loss to follow")
            continue
        sound = record.check(claim, check, subject) and sound
        formed = sound if check is scalar else formed
    for parameter, wanted in frozen:
        parameter.requires_grad_(wanted)
        parameter.grad = None
    subject.built.module.eval()
    return sound


def train_mode(built: Opened) -> None:
    """Training mode for the module, evaluation mode for the parts inside it."""
    built.module.train()
    for part in built.parts.values():
        part.eval()


def scalar(subject: Trained) -> Iterator[str]:
    for phase in subject.phases():
        where = f"phase {phase.name!r}"
        with reseeded(0):
            returned: object = subject.loss(phase)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            found = f"a {type(returned).__name__}"
            yield problem(f"{where} to return (loss, figures)", found, "return loss, {}")
            continue
        loss, figures = returned
        if not isinstance(loss, Tensor) or loss.dim() != 0:
            found = str(list(loss.shape)) if isinstance(loss, Tensor) else type(loss).__name__
            yield problem(f"the loss of {where} as a scalar tensor", found, "take its mean")
        elif not bool(torch.isfinite(loss)):
            mend = "look for a division by zero, a logarithm of zero or an overflow"
            yield problem(f"the loss of {where} to be finite", f"{float(loss.detach())}", mend)
        elif not loss.requires_grad:
            mend = "do not detach it, nor compute it under no_grad"
            yield problem(f"the loss of {where} to have gradients", "none", mend)
        yield from _figures(figures, where)


def _figures(figures: object, where: str) -> Iterator[str]:
    if not isinstance(figures, dict):
        found = f"a {type(figures).__name__}"
        yield problem(f"the figures of {where} as a dict", found, "return loss, {name: figure}")
        return
    for name, value in figures.items():
        if isinstance(value, Tensor) and (value.requires_grad or value.dim()):
            found = "one with gradients" if value.requires_grad else str(list(value.shape))
            yield problem(f"figure {name!r} as a detached scalar", found, "call .detach().mean()")
        elif not isinstance(value, Tensor | int | float):
            yield problem(f"figure {name!r} as a number", type(value).__name__, "leave it out")


def gradients(subject: Trained) -> Iterator[str]:
    named = subject.named()
    names = {id(p): name for name, p in named}
    for phase in subject.phases():
        before = {name: p.detach().clone() for name, p in named}
        subject.backward(phase)
        if changed := [name for name, p in named if not torch.equal(p, before[name])]:
            mend = "leave that to the optimiser"
            yield problem(f"loss to change no parameter, phase {phase.name!r}", changed[0], mend)
        own = {id(p) for p in phase.parameters}
        if strays := [name for name, p in named if p.grad is not None and id(p) not in own]:
            mend = "do not call backward() or requires_grad_() in loss"
            yield problem(f"gradients in phase {phase.name!r} alone", f"one of {strays[0]}", mend)
        grads = [(names.get(id(p), "?"), p.grad) for p in phase.parameters if p.grad is not None]
        if not grads:
            mend = "let its loss depend on its parameters"
            yield problem(f"gradients for phase {phase.name!r}", "none", mend)
        for name, grad in grads:
            if not bool(torch.isfinite(grad).all()):
                mend = "look for a square root or a logarithm at zero"
                yield problem(f"the gradient of {name} to be finite", "NaN or infinity", mend)
                break
        for _, parameter in named:
            parameter.grad = None


def function(subject: Trained) -> Iterator[str]:
    layers = subject.built.module.modules()
    drops_out = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in layers)
    for phase in subject.phases():
        values = []
        for step, chance in ((0, 1), (7, 1), (0, 1), (0, 2)):
            # A training seeds the global generator at each step, for layers of dropout.
            with reseeded(chance):
                values.append(subject.loss(phase, step)[0].detach().reshape(1))
        first, _, again, elsewhere = values
        if _other(again, first):
            yield problem(
                f"the same loss of phase {phase.name!r} for the same arguments",
                f"{float(first):.6g}, then {float(again):.6g}",
                "make schedules functions of `progress`, never of a counter of your own, "
                "and draw from `rng`",
            )
        elif _other(elsewhere, first) and not drops_out:
            found = "one that draws from a global generator"
            yield problem(f"a loss of phase {phase.name!r} that uses `rng` alone", found, MEND)


def _other(found: Tensor, expected: Tensor) -> bool:
    return float((found - expected).abs()) > 1e-4 * max(float(expected.abs()), 1e-4)


def train(subject: Trained) -> Iterator[str]:
    for i, stage in enumerate(subject.module.stages()):
        if i or stage.prepared:
            subject.built.module.eval()
            with torch.no_grad():
                subject.module.prepare_stage(stage, iter([subject.batch]), resumed=False)
            train_mode(subject.built)
        optimizers = [(p, torch.optim.Adam(p.parameters, lr=1e-3)) for p in stage.phases]
        before = [(p, [t.detach().clone() for t in p.parameters]) for p in stage.phases]
        # Enough for a phase that runs at every n-th step: the first step runs them all.
        for step in range(STEPS):
            for phase, optimizer in optimizers:
                if step % phase.every == 0:
                    subject.backward(phase, step, seed=step)
                    optimizer.step()
        for phase, old in before:
            where = f"phase {phase.name!r} of stage {stage.name!r}"
            pairs = list(zip(phase.parameters, old, strict=True))
            if not any(relative_error(p.detach(), t) > 0 for p, t in pairs):
                yield problem(f"{where} to move its parameters", "none moved", "check its loss")
            if not all(bool(torch.isfinite(p).all()) for p in phase.parameters):
                found = f"NaN or infinity after {STEPS} steps"
                yield problem(f"{where} to keep its parameters finite", found, "scale its loss")


def uses_maps(subject: Trained) -> Iterator[str]:
    for phase in subject.phases():
        subject.backward(phase)
        if any(p.grad is not None and bool(p.grad.any()) for p in subject.maps()):
            return
    mend = "use condition.spatial, or leave out spatial=True"
    yield problem("a loss that depends on the maps", "no gradient", mend)


BATCH = 16
FITTED_ON = 32
"""Batches to fit to: enough for a mixture of each class."""


def finalized(built: Opened, case: Case) -> Iterator[str]:
    module = built.module
    assert isinstance(module, Trainable)
    if type(module).finalize is Trainable.finalize:
        return
    conditioners = conditioners_of(module)
    shape = image_shape(case.shape, module, built.spec.config)
    seeds = range(1, FITTED_ON + 1)
    batches = (material.batch(conditioners, BATCH, shape, case.columns, seed) for seed in seeds)
    before = {name: tensor.shape for name, tensor in built.own_tensors().items()}
    with torch.random.fork_rng(devices=()), torch.no_grad():
        module.eval()
        module.finalize(batches)
    after = {name: tensor.shape for name, tensor in built.own_tensors().items()}
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        mend = "register buffers whose shapes follow from the config, and copy into them"
        yield problem("finalize to keep all shapes", f"another for {changed[0]}", mend)
    if unset := [name for name, flag in fitted_flags(module) if not bool(flag.all())]:
        yield problem(f"{unset[0]} set by finalize", "not set", "fill it with True at the end")


def fitted_flags(module: nn.Module) -> list[tuple[str, Tensor]]:
    """The buffers that say whether a density was fitted, with their names."""
    return [(n, b) for n, b in module.named_buffers() if n.rpartition(".")[2] == "fitted"]
