"""Negative conditions: what `Guided` promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor

from genzoo_core.model import Guided
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.comparing import relative_error, same
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, form


def check_guided(record: Recorder, subject: Sampled) -> None:
    """Run all checks of a model that samples with guidance; none where that is off.

    Args:
        record: What is found goes here.
        subject: The model.
    """
    model: object = subject.model
    if not (isinstance(model, Guided) and subject.asked):
        return
    if model.guidance(subject.options) not in (0, 1):  # else there is nothing to see
        record.check("a negative leads away from it", partial(heeds, subject))
        record.check("a picture with one does not depend on its batch", partial(alone, subject))


def away(subject: Sampled, negative: Mapping[str, Tensor], row: int | None = None) -> Tensor:
    """Pictures for each of `SEEDS`, or for one, away from `negative`."""
    seeds = SEEDS if row is None else SEEDS[row : row + 1]
    asked = subject.asked if row is None else material.rows(subject.asked, row)
    model = cast(Guided, subject.model)
    with torch.inference_mode():
        return model.sample(SampleRng(seeds), asked, subject.options, negative=negative)


def others(subject: Sampled) -> dict[str, Tensor]:
    """What is asked of the next picture, for the first conditioner."""
    name, prepared = next(iter(subject.asked.items()))
    return {name: prepared.roll(1, 0)}


def heeds(subject: Sampled) -> Iterator[str]:
    """It changes the pictures."""
    found, without = away(subject, others(subject)), subject.draw()
    if faults := list(form(found, without.shape)):
        yield from faults
    elif torch.equal(found, without):
        mend = "put `negative` where null stands in guidance"
        yield problem("other pictures than without it", "the very same", mend)


def alone(subject: Sampled) -> Iterator[str]:
    """A picture is the same alone and in a batch."""
    negative = others(subject)
    together = away(subject, negative)
    for row in range(len(SEEDS)):
        single = away(subject, material.rows(negative, row), row)[0]
        if not same(single, together[row]):
            error = relative_error(single, together[row])
            mend = "let row i depend on row i of `negative` and sample i of `rng` alone"
            found = f"one that differs by {error:.2g}"
            yield problem(f"picture {row} of a batch as it is alone", found, mend)
            return
