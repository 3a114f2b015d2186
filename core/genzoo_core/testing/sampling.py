"""Pictures from noise: what `GenerativeModel.sample` promises."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import torch
from torch import Tensor

from genzoo_core.errors import GenzooError, NotFittedError
from genzoo_core.model import GenerativeModel, OnStep
from genzoo_core.rng import InterpolationRng, Rng, SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.comparing import (
    TOLERANCE,
    alone,
    counted,
    equal,
    in_range,
    relative_error,
    same,
    well_formed,
)
from genzoo_core.testing.randomness import own_chance
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.zoo import Opened

SEEDS = (7, 8, 9)
FEW_STEPS = 4
"""The value of an option `steps` in the kit: no claim here needs good pictures."""


@dataclass(frozen=True)
class Sampled:
    """A model in evaluation mode, and how it is sampled from.

    `conditions` are prepared, a row for each seed.
    """

    built: Opened
    options: msgspec.Struct
    conditions: Mapping[str, Tensor]
    seeds: Sequence[int] = SEEDS

    @property
    def model(self) -> GenerativeModel[msgspec.Struct]:
        assert isinstance(self.built.module, GenerativeModel)
        return self.built.module

    def row(self, i: int) -> Sampled:
        conditions = material.rows(self.conditions, i)
        return replace(self, conditions=conditions, seeds=self.seeds[i : i + 1])

    def draw(self, rng: Rng | None = None, on_step: OnStep | None = None, **more: Any) -> Tensor:
        """Pictures as `genzoo run` makes them, by default from the noise of the seeds.

        `more` is `start` for a `Varying` model, `negative` for a `Guided` one.
        """
        rng = rng or SampleRng(self.seeds)
        with torch.inference_mode():
            return self.model.sample(rng, self.conditions, self.options, on_step, **more)


def sampled(
    built: Opened, options: Mapping[str, object], columns: Mapping[str, Sequence[object]]
) -> Sampled:
    """A model with conditions and options to sample with: these, and few steps where none are set.

    Raises:
        SkipError: A required option is missing.
    """
    model = built.module
    assert isinstance(model, GenerativeModel)
    model.eval()
    conditions = material.conditions(model.conditioners, len(SEEDS), columns)
    few = {"steps": FEW_STEPS} if "steps" in model.Options.__struct_encode_fields__ else {}
    for settings in ({**few, **options}, options):
        try:
            return Sampled(built, msgspec.convert(settings, model.Options), conditions)
        except msgspec.ValidationError as error:
            reason = str(error)
    raise SkipError(f"its options cannot be made: {reason}; give them as options={{…}}")


def check_sampling(record: Recorder, subject: Sampled) -> Tensor | None:
    """Run all checks of a model that can sample.

    Returns:
        Pictures of it, one for each of `SEEDS`; None where there are none to compare.
    """
    claims: list[tuple[str, Callable[[Sampled], Iterator[str]]]] = [
        ("equal seeds give equal pictures, other seeds others", seeds),
        ("a picture does not depend on its batch", batches),
        ("all chance comes from the rng", lambda subject: own_chance(subject.draw, "pictures")),
        ("sampling leaves the model as it was", unchanged),
        ("on_step is called at each step, and changes nothing", steps),
        ("a walk between two seeds begins and ends at their pictures", walk),
        ("conditions may be null or left out, and an unknown one is refused", null),
    ]
    drawn: list[Tensor] = []

    def formed() -> Iterator[str]:
        try:
            pictures = subject.draw()
        except NotFittedError as error:
            if subject.model.codec is None:
                yield problem("a model that samples or has a codec", f"neither: {error}", "add one")
                return
            raise SkipError(f"it has nothing to sample from: {error}") from None
        shape = (len(SEEDS), *subject.model.sample_shape)
        yield from form(pictures, shape)
        if pictures.shape == shape and bool(torch.isfinite(pictures).all()):
            drawn.append(pictures)

    record.check("pictures are float32 [B, C, H, W] in [-1, 1]", formed)
    for claim, check in claims:
        if drawn:
            record.check(claim, check, subject)
        else:
            record.skip(claim, "there are no pictures to compare")
    return drawn[0] if drawn else None


def form(pictures: Tensor, shape: Sequence[int]) -> Generator[str, None, bool]:
    """What is wrong with the form of pictures, and whether all is well."""
    faults = list(well_formed(pictures, shape, "pictures"))
    if pictures.is_floating_point() and pictures.dtype != torch.float32:
        faults.append(problem("pictures in float32", str(pictures.dtype), "return `.float()`"))
    if bool(torch.isfinite(pictures).all()):
        faults.extend(in_range(pictures, "pictures"))
    yield from faults
    return not faults


def seeds(subject: Sampled) -> Iterator[str]:
    mend = "store no state between calls, and draw all numbers from `rng`"
    first, again = subject.draw(), subject.draw()
    yield from equal(again, first, "the same pictures from the same seeds", mend)
    one = subject.row(0)
    other = replace(one, seeds=SEEDS[1:2])
    if relative_error(other.draw(), one.draw()) <= 1e-6:
        mend = "start from rng.normal(…) or rng.uniform(…)"
        yield problem("other pictures from other seeds", "the same ones", mend)


def batches(subject: Sampled) -> Iterator[str]:
    mend = (
        "let row i depend on sample i of `rng` and row i of `conditions` alone: no statistics "
        f"over the batch, no number shared by its samples (rounding is below {TOLERANCE:g})"
    )
    yield from alone("picture", subject.draw(), lambda i: subject.row(i).draw()[0], mend)
    if subject.conditions:
        free = replace(subject, conditions={})
        what = "unconditional picture"
        yield from alone(what, free.draw(), lambda i: free.row(i).draw()[0], mend)


def unchanged(subject: Sampled) -> Iterator[str]:
    before = {name: tensor.clone() for name, tensor in subject.built.own_tensors().items()}
    subject.draw()
    for name, tensor in subject.built.own_tensors().items():
        if name not in before or not torch.equal(tensor, before[name]):
            mend = "store what sampling needs in local variables"
            yield problem(f"{name} to stay as it is", "another value", mend)


def steps(subject: Sampled) -> Iterator[str]:
    calls: list[tuple[int, int, Tensor]] = []
    found = subject.draw(on_step=lambda step, total, x: calls.append((step, total, x.clone())))
    if not same(found, subject.draw()):
        mend = "only call it"
        yield problem("the same pictures with on_step as without", "other ones", mend)
    shape = (len(SEEDS), *subject.model.sample_shape)
    for _, _, x in calls:
        if faults := list(form(x, shape)):
            yield f"on_step: {faults[0]}"
            break
    yield from counted(calls, len(calls), "count steps from 1, and call it once a step")


def walk(subject: Sampled) -> Iterator[str]:
    ends = [subject.row(0), replace(subject.row(0), seeds=SEEDS[1:2])]
    rows = {name: values[:1].expand_as(values) for name, values in subject.conditions.items()}
    rng = InterpolationRng(SEEDS[0], SEEDS[1], [0.0, 0.5, 1.0])
    between = replace(subject, conditions=rows).draw(rng)
    mend = "use rng.normal and rng.uniform alone, and draw the same whatever they gave"
    for end, found in zip(ends, (between[0], between[2]), strict=True):
        what = f"the picture of seed {end.seeds[0]} at an end of the walk"
        yield from equal(found, end.draw()[0], what, mend)


def null(subject: Sampled) -> Iterator[str]:
    model = subject.model
    shape = (len(SEEDS), *model.sample_shape)
    nulls = {name: c.null(len(SEEDS)) for name, c in model.conditioners.items()}
    for conditions, what in ((nulls, "null conditions"), ({}, "no conditions")):
        for fault in form(replace(subject, conditions=conditions).draw(), shape):
            yield f"with {what}: {fault}"
    try:
        ids = torch.zeros(len(SEEDS), dtype=torch.int64)
        replace(subject, conditions={"no-such-conditioner": ids}).draw()
    except GenzooError:
        return
    mend = "pass all conditions to self.condition(conditions, rng.n), which refuses them"
    yield problem("a condition that no conditioner has to be refused", "pictures", mend)
