"""Building what is checked, and fitting what has a closed form."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from genzoo_core.conditioner import conditioners_of
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, image_shape
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened

BATCH = 16
FITTED_ON = 32
"""Batches that what has a closed form is fitted to: enough for a mixture of each class."""


def build(record: Recorder, case: Case) -> Opened | None:
    """Build the component for training, where it can be; None where it cannot be built."""
    found: list[Opened] = []

    def built() -> Iterator[str]:
        found.append(case.build(training=True))
        yield from ()

    record.check("it can be built from its config", built)
    return found[0] if found else None


def finalized(built: Opened, case: Case) -> Iterator[str]:
    """`finalize` runs, and keeps the shapes of all tensors."""
    module = built.module
    assert isinstance(module, Trainable)
    if type(module).finalize is Trainable.finalize:
        return
    conditioners = conditioners_of(module)
    shape = image_shape(case.shape, module, built.spec.config)
    batches = [
        material.batch(conditioners, BATCH, shape, case.columns, seed)
        for seed in range(1, FITTED_ON + 1)
    ]
    before = {name: tensor.shape for name, tensor in built.own_tensors().items()}
    with torch.random.fork_rng(devices=()), torch.no_grad():
        built.module.eval()
        module.finalize(iter(batches))
    after = {name: tensor.shape for name, tensor in built.own_tensors().items()}
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        mend = "register buffers whose shapes follow from the config, and copy into them"
        yield problem("finalize to keep all shapes", f"another for {changed[0]}", mend)
    unset = [
        name
        for name, buffer in module.named_buffers()
        if name.rpartition(".")[2] == "fitted" and not bool(buffer.all())
    ]
    if unset:
        yield problem(f"{unset[0]} set by finalize", "not set", "fill it with True at the end")
