"""Pictures to begin from: what `Varying` and `Inpainting` promise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import torch
from torch import Tensor

from genzoo_core.model import Inpainting, Start, Varying
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.comparing import TOLERANCE, relative_error, same
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, form


def check_varying(record: Recorder, subject: Sampled, pictures: Tensor) -> None:
    """Run all checks of a model that can begin from pictures.

    Args:
        record: What is found goes here.
        subject: The model.
        pictures: What it drew, one for each of `SEEDS`.
    """
    model: object = subject.model
    if not isinstance(model, Varying):
        return
    # Those that it draws are the ones that its codec, if it has one, must know.
    images = pictures.flip(0)
    record.check("strength 0 gives the picture itself", partial(nothing, subject, images))
    record.check("strength 1 gives what a seed gives without", partial(everything, subject, images))
    record.check("a variation does not depend on its batch", partial(alone, subject, images))
    if isinstance(model, Inpainting):
        record.check("what a mask leaves stays", partial(stays, subject, images))


def vary(subject: Sampled, images: Tensor, strength: float, mask: Tensor | None = None) -> Tensor:
    """Variations of pictures, one for each of `SEEDS`."""
    with torch.inference_mode():
        start = Start(images, strength, mask)
        model = cast(Varying, subject.model)
        return model.sample(SampleRng(SEEDS), subject.asked, subject.options, start=start)


def itself(subject: Sampled, images: Tensor) -> Tensor:
    """What strength 0 gives: the pictures or, where there is a codec, their reconstructions."""
    model = subject.model
    if model.codec is None:
        return images
    with torch.inference_mode():
        return model.codec.reconstruct(images, model.condition(subject.asked, len(images)))


def nothing(subject: Sampled, images: Tensor) -> Iterator[str]:
    """At strength 0 nothing is made."""
    found = vary(subject, images, 0.0)
    if faults := list(form(found, images.shape)):
        yield from faults
    elif not same(found, itself(subject, images)):
        what = "picture itself" if subject.model.codec is None else "reconstruction"
        error = relative_error(found, itself(subject, images))
        mend = "add no noise where start.strength is 0"
        yield problem(f"the {what} at strength 0", f"one that differs by {error:.2g}", mend)


def everything(subject: Sampled, images: Tensor) -> Iterator[str]:
    """At strength 1 nothing of the picture is left."""
    found, expected = vary(subject, images, 1.0), subject.draw()
    if not torch.equal(found, expected):
        error = relative_error(found, expected)
        mend = "draw the same numbers in the same order with a start as without"
        yield problem("the very pictures without it", f"ones that differ by {error:.2g}", mend)


def alone(subject: Sampled, images: Tensor) -> Iterator[str]:
    """A variation is the same alone and in a batch."""
    together = vary(subject, images, 0.5)
    yield from form(together, images.shape)
    for row in range(len(images)):
        with torch.inference_mode():
            single = cast(Varying, subject.model).sample(
                SampleRng([SEEDS[row]]),
                material.rows(subject.asked, row),
                subject.options,
                start=Start(images[row : row + 1], 0.5),
            )[0]
        if not same(single, together[row]):
            error = relative_error(single, together[row])
            mend = "let row i depend on row i of start.images and sample i of `rng` alone"
            found = f"one that differs by {error:.2g}"
            yield problem(f"variation {row} of a batch as it is alone", found, mend)
            return


def stays(subject: Sampled, images: Tensor) -> Iterator[str]:
    """Outside of the mask the picture is kept, on latents as nearly as they can."""
    if subject.model.codec is not None and len(subject.model.codec.latent_shape) != 3:
        raise SkipError("its latents have no places, of which some could stay")
    mask = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool)
    mask[..., -(images.shape[3] // 4 or 1) :] = True
    known = ~mask.expand_as(images)
    wanted = itself(subject, images)[known]
    kept = (vary(subject, images, 1.0, mask)[known] - wanted).abs().mean()
    free = (subject.draw()[known] - wanted).abs().mean()
    # A codec's latents see more than their own place.
    most = TOLERANCE if subject.model.codec is None else TOLERANCE + 0.5 * float(free)
    if not float(kept) <= most:
        found = f"pixels that are off by {float(kept):.2g} of the 2 from black to white"
        mend = "put start.images where start.mask is False at each step, as `sample_from` does"
        yield problem("what is outside of the mask as it was", found, mend)
