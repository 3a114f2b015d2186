"""Pictures to begin from and negative conditions: `Varying`, `Inpainting` and `Guided`."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genzoo_core.model import Guided, Inpainting, Start, Varying
from genzoo_core.testing import material
from genzoo_core.testing.comparing import TOLERANCE, alone, equal, relative_error
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import Sampled, form


def check_varying(record: Recorder, subject: Sampled, pictures: Tensor) -> None:
    """Run all checks of a model that can begin from pictures.

    `pictures` are some that it made, one for each of `SEEDS`.
    """
    model: object = subject.model
    if not isinstance(model, Varying):
        return
    # Its own pictures: a codec need not encode any others well.
    images = pictures.flip(0)
    unvaried = "strength 1 gives the same as the seed alone"
    record.check("strength 0 gives the picture itself", nothing, subject, images)
    record.check(unvaried, everything, subject, images)
    record.check("a variation does not depend on its batch", batches, subject, images)
    if isinstance(model, Inpainting):
        record.check("pixels outside of a mask stay", stays, subject, images)


def itself(subject: Sampled, images: Tensor) -> Tensor:
    """The expected result of strength 0: the pictures or, with a codec, their reconstructions."""
    model = subject.model
    if model.codec is None:
        return images
    with torch.inference_mode():
        return model.codec.reconstruct(images, model.condition(subject.conditions, len(images)))


def nothing(subject: Sampled, images: Tensor) -> Iterator[str]:
    found = subject.draw(start=Start(images, 0.0))
    if (yield from form(found, images.shape)):
        what = "picture itself" if subject.model.codec is None else "reconstruction"
        mend = "add no noise where start.strength is 0"
        yield from equal(found, itself(subject, images), f"the {what} at strength 0", mend)


def everything(subject: Sampled, images: Tensor) -> Iterator[str]:
    found, expected = subject.draw(start=Start(images, 1.0)), subject.draw()
    if not torch.equal(found, expected):
        error = f"a difference of {relative_error(found, expected):.2g}"
        mend = "draw the same numbers in the same order with a start as without"
        yield problem("exactly the same pictures as without it", error, mend)


def batches(subject: Sampled, images: Tensor) -> Iterator[str]:
    together = subject.draw(start=Start(images, 0.5))
    yield from form(together, images.shape)

    def single(i: int) -> Tensor:
        return subject.row(i).draw(start=Start(images[i : i + 1], 0.5))[0]

    mend = "let row i depend on row i of start.images and sample i of `rng` alone"
    yield from alone("variation", together, single, mend)


def stays(subject: Sampled, images: Tensor) -> Iterator[str]:
    """What is wrong outside of the mask: pixels must stay, with a codec as nearly as it can."""
    if subject.model.codec is not None and len(subject.model.codec.latent_shape) != 3:
        raise SkipError("its latents have no places, of which some could stay")
    mask = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool)
    mask[..., -(images.shape[3] // 4 or 1) :] = True
    outside = ~mask.expand_as(images)
    expected = itself(subject, images)[outside]
    found = subject.draw(start=Start(images, 1.0, mask))
    change = (found[outside] - expected).abs().mean()
    free = (subject.draw()[outside] - expected).abs().mean()
    # A codec's latents see more than their own place.
    most = TOLERANCE if subject.model.codec is None else TOLERANCE + 0.5 * float(free)
    if not float(change) <= most:
        off = f"pixels that are off by {float(change):.2g} of the 2 from black to white"
        mend = "put start.images where start.mask is False at each step, as `sample_from` does"
        yield problem("pixels outside of the mask as they were", off, mend)


def check_guided(record: Recorder, subject: Sampled) -> None:
    """Run all checks of a model that samples with guidance; none where that is off."""
    model: object = subject.model
    if not (isinstance(model, Guided) and subject.conditions):
        return
    if model.guidance(subject.options) not in (0, 1):  # else a negative has no effect
        record.check("a negative condition changes the pictures", effective, subject)
        claim = "a picture with a negative condition does not depend on its batch"
        record.check(claim, guided_batches, subject)


def negatives(subject: Sampled) -> dict[str, Tensor]:
    """The condition of the next picture, for the first conditioner."""
    name, prepared = next(iter(subject.conditions.items()))
    return {name: prepared.roll(1, 0)}


def effective(subject: Sampled) -> Iterator[str]:
    negative = negatives(subject)
    if all(torch.equal(each, subject.conditions[name]) for name, each in negative.items()):
        raise SkipError("what is typical of its condition is the same for all pictures")
    found, without = subject.draw(negative=negative), subject.draw()
    if (yield from form(found, without.shape)) and torch.equal(found, without):
        mend = "put `negative` where null stands in guidance"
        yield problem("other pictures than without it", "the very same", mend)


def guided_batches(subject: Sampled) -> Iterator[str]:
    negative = negatives(subject)

    def single(i: int) -> Tensor:
        return subject.row(i).draw(negative=material.rows(negative, i))[0]

    mend = "let row i depend on row i of `negative` and sample i of `rng` alone"
    yield from alone("picture", subject.draw(negative=negative), single, mend)
