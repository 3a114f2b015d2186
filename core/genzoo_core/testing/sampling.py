"""Pictures from noise: what `GenerativeModel.sample` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import torch
from torch import Tensor

from genzoo_core.errors import GenzooError, NotFittedError
from genzoo_core.model import GenerativeModel, OnStep
from genzoo_core.rng import InterpolationRng, Rng, SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.comparing import TOLERANCE, in_range, relative_error, same, well_formed
from genzoo_core.testing.randomness import reseeded, untouched
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.zoo import Opened

SEEDS = (7, 8, 9)
FEW_STEPS = 4
"""What the kit sets an option `steps` to: no claim here needs good pictures."""


@dataclass(frozen=True)
class Sampled:
    """A model, and how it is asked for pictures.

    Attributes:
        built: The model in evaluation mode.
        options: Its options.
        asked: Prepared conditions, a row for each of `SEEDS`.
    """

    built: Opened
    options: msgspec.Struct
    asked: Mapping[str, Tensor]

    @property
    def model(self) -> GenerativeModel[msgspec.Struct]:
        """The model."""
        assert isinstance(self.built.module, GenerativeModel)
        return self.built.module

    def draw(
        self,
        rng: Rng | Sequence[int] = SEEDS,
        asked: Mapping[str, Tensor] | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Pictures as `genzoo run` makes them."""
        rng = rng if isinstance(rng, Rng) else SampleRng(rng)
        asked = self.asked if asked is None else asked
        with torch.inference_mode():
            return self.model.sample(rng, asked, self.options, on_step)


def sampled(
    built: Opened, options: Mapping[str, object], columns: Mapping[str, Sequence[object]]
) -> Sampled:
    """A model with the options to sample with, and something to ask for.

    Raises:
        SkipError: An option that must be given is not.
    """
    model = built.module
    assert isinstance(model, GenerativeModel)
    model.eval()
    asked = material.conditions(model.conditioners, len(SEEDS), columns)
    return Sampled(built, sampling_options(model.Options, options), asked)


def sampling_options(options: type[msgspec.Struct], given: Mapping[str, object]) -> msgspec.Struct:
    """The options to sample with; few steps unless given.

    Raises:
        SkipError: One that must be given is not.
    """
    few = {"steps": FEW_STEPS} if "steps" in options.__struct_encode_fields__ else {}
    for settings in ({**few, **given}, dict(given)):
        try:
            return msgspec.convert(settings, options)
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
        ("a picture does not depend on its batch", alone),
        ("all chance comes from the rng", own_chance),
        ("sampling leaves the model as it was", unchanged),
        ("on_step is told of steps, and changes nothing", steps),
        ("a walk between two seeds begins and ends at their pictures", walk),
        ("null is nothing asked, and an unknown condition is refused", null),
    ]
    formed = "pictures are float32 [B, C, H, W] in [-1, 1]"
    if (pictures := can_draw(record, subject, formed)) is None:
        for claim, _ in claims:
            record.skip(claim, "there are no pictures to compare")
        return None
    for claim, check in claims:
        record.check(claim, partial(check, subject))
    return pictures


def can_draw(record: Recorder, subject: Sampled, claim: str) -> Tensor | None:
    """Check the form of pictures; they are None where they cannot be compared."""
    drawn: list[Tensor] = []

    def formed() -> Iterator[str]:
        try:
            pictures = subject.draw()
        except NotFittedError as error:
            if subject.model.codec is None:
                yield problem("a model that samples or has a codec", f"neither: {error}", "add one")
                return
            raise SkipError(f"it has nothing to sample from: {error}") from None
        yield from form(pictures, (len(SEEDS), *subject.model.sample_shape))
        if pictures.shape == (len(SEEDS), *subject.model.sample_shape):
            drawn.append(pictures)

    record.check(claim, formed)
    return drawn[0] if drawn and bool(torch.isfinite(drawn[0]).all()) else None


def form(pictures: Tensor, shape: Sequence[int]) -> Iterator[str]:
    """What is wrong with the form of pictures."""
    yield from well_formed(pictures, shape, "pictures")
    if pictures.is_floating_point() and pictures.dtype != torch.float32:
        yield problem("pictures in float32", str(pictures.dtype), "return `.float()`")
    if bool(torch.isfinite(pictures).all()):
        yield from in_range(pictures, "pictures")


def seeds(subject: Sampled) -> Iterator[str]:
    """Equal seeds give equal pictures, other seeds others."""
    first, again = subject.draw(), subject.draw()
    if not same(again, first):
        found = f"pictures that differ by {relative_error(again, first):.2g}"
        mend = "keep no state between calls, and draw all numbers from `rng`"
        yield problem("the same pictures from the same seeds", found, mend)
    one = material.rows(subject.asked, 0)
    pair = [subject.draw([seed], one)[0] for seed in (SEEDS[0], SEEDS[1])]
    if relative_error(pair[1], pair[0]) <= 1e-6:
        mend = "start from rng.normal(…) or rng.uniform(…)"
        yield problem("other pictures from other seeds", "the same ones", mend)


def alone(subject: Sampled) -> Iterator[str]:
    """A picture is the same alone and in a batch, with a prompt and without."""
    for asked, what in ((subject.asked, ""), ({}, " where nothing is asked")):
        together = subject.draw(asked=asked)
        for i, seed in enumerate(SEEDS):
            single = subject.draw([seed], material.rows(asked, i))[0]
            if not same(single, together[i]):
                error = relative_error(single, together[i])
                yield problem(
                    f"picture {i} of a batch as it is alone{what}",
                    f"one that differs by {error:.2g} (rounding is below {TOLERANCE:g})",
                    "let row i depend on sample i of `rng` and row i of `conditions` alone: no "
                    "statistics over the batch, no number shared by its samples",
                )
                break
        if not subject.asked:
            return


def own_chance(subject: Sampled) -> Iterator[str]:
    """No global generator is used, nor changes what comes out."""
    found: list[str] = []
    with untouched(found):
        subject.draw()
    yield from found
    drawn = []
    for seed in (1, 2):
        with reseeded(seed):
            drawn.append(subject.draw())
    if not found and not same(drawn[1], drawn[0]):
        mend = "draw every number from the `rng` that is passed in"
        yield problem("pictures of `rng` alone", "ones that depend on a global seed", mend)


def unchanged(subject: Sampled) -> Iterator[str]:
    """Sampling changes no tensor of the model."""
    before = {name: tensor.clone() for name, tensor in subject.built.own_tensors().items()}
    subject.draw()
    for name, tensor in subject.built.own_tensors().items():
        if name not in before or not torch.equal(tensor, before[name]):
            mend = "keep what sampling needs in local variables"
            yield problem(f"{name} to stay as it is", "another value", mend)


def steps(subject: Sampled) -> Iterator[str]:
    """What `on_step` is told."""
    told: list[tuple[int, int, Tensor]] = []
    with_it = subject.draw(on_step=lambda step, total, x: told.append((step, total, x.clone())))
    if not same(with_it, subject.draw()):
        mend = "let it only be told"
        yield problem("the same pictures with on_step as without", "other ones", mend)
    shape = (len(SEEDS), *subject.model.sample_shape)
    for _, _, x in told:
        if faults := list(form(x, shape)):
            yield f"on_step: {faults[0]}"
            break
    counts = [(step, total) for step, total, _ in told]
    if counts and counts != [(i + 1, len(counts)) for i in range(len(counts))]:
        found = ", ".join(f"{step} of {total}" for step, total in counts[:4])
        mend = "count steps from 1, and call it once a step"
        yield problem(f"on_step called with 1 to {len(counts)}", found, mend)


def walk(subject: Sampled) -> Iterator[str]:
    """The model takes any `Rng`, and one that interpolates ends at the two seeds."""
    row = material.rows(subject.asked, 0)
    asked = {name: values.repeat(3, *[1] * (values.dim() - 1)) for name, values in row.items()}
    between = subject.draw(InterpolationRng(SEEDS[0], SEEDS[1], [0.0, 0.5, 1.0]), asked)
    for place, seed in ((0, SEEDS[0]), (2, SEEDS[1])):
        single = subject.draw([seed], row)[0]
        if not same(between[place], single):
            found = f"one that differs by {relative_error(between[place], single):.2g}"
            mend = "use rng.normal and rng.uniform alone, and draw the same whatever they gave"
            yield problem(f"the picture of seed {seed} at an end of the walk", found, mend)


def null(subject: Sampled) -> Iterator[str]:
    """Null rows and no rows are both taken; a name that no conditioner has is not."""
    model = subject.model
    shape = (len(SEEDS), *model.sample_shape)
    nothing = {name: c.null(len(SEEDS)) for name, c in model.conditioners.items()}
    for asked, what in ((nothing, "null"), ({}, "nothing")):
        for fault in form(subject.draw(asked=asked), shape):
            yield f"where {what} is asked: {fault}"
    try:
        subject.draw(asked={"no-such-conditioner": torch.zeros(len(SEEDS), dtype=torch.int64)})
    except GenzooError:
        return
    mend = "pass all conditions to self.condition(conditions, rng.n), which refuses them"
    yield problem("a condition that no conditioner has to be refused", "pictures", mend)
