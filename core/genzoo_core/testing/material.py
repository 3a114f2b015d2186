"""Images, conditions and batches to check with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import torch
from torch import Tensor
from torch.nn import functional

from genzoo_core.conditioner import Conditioner
from genzoo_core.rng import SampleRng
from genzoo_core.testing.case import Shape
from genzoo_core.training import Batch


def images(n: int, shape: Shape, seed: int = 0) -> Tensor:
    """Smooth pictures with a faint grain, float32 `[n, *shape]` in [-1, 1], no two alike.

    Pictures of the world are smooth. A codec of these owes nothing to white noise, on which
    rounding may grow to anything. The grain leaves no direction without variance.
    """
    channels, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    light = torch.rand((n, channels, 3, 3), generator=generator)
    smooth = functional.interpolate(light, (height, width), mode="bilinear", align_corners=True)
    grain = torch.rand((n, *shape), generator=generator)
    return (0.99 * smooth + 0.01 * grain) * 2 - 1


def conditions(
    conditioners: Mapping[str, Conditioner], n: int, columns: Mapping[str, Sequence[object]]
) -> dict[str, Tensor]:
    """Prepared values for `n` images by name of the conditioner.

    From its column where there is one; else ids in turn, or what is typical.
    """
    return {
        name: prepared(conditioner, n, columns.get(name, ()))
        for name, conditioner in conditioners.items()
    }


def prepared(conditioner: Conditioner, n: int, values: Sequence[object]) -> Tensor:
    """`n` prepared rows of a conditioner; see `conditions`."""
    rng = SampleRng(range(1000, 1000 + n))
    if values:
        return conditioner.prepare(list(islice(cycle(values), n)), rng)
    if conditioner.categories is not None:
        return torch.arange(n) % conditioner.categories
    return conditioner.typical(rng)


def batch(
    conditioners: Mapping[str, Conditioner],
    n: int,
    shape: Shape,
    columns: Mapping[str, Sequence[object]],
    seed: int = 0,
) -> Batch:
    """A batch to train on."""
    return Batch(images(n, shape, seed), conditions(conditioners, n, columns))


def rows(prepared: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    """One row of each prepared value, `[1, ...]`."""
    return {name: values[index : index + 1] for name, values in prepared.items()}
