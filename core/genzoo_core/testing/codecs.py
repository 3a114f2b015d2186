"""Data to latent and back: what `Encoder` and `Codec` promise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from genzoo_core.conditioner import conditioners_of
from genzoo_core.encoder import Codec, Encoder, Posterior
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, Shape, image_shape
from genzoo_core.testing.comparing import in_range, relative_error, same, well_formed
from genzoo_core.testing.fitting import BATCH, build, finalized
from genzoo_core.testing.randomness import reseeded, untouched
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.saving import round_trip
from genzoo_core.testing.strictness import strict_struct
from genzoo_core.testing.training import Trained, check_training
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened

N = 3
MOST_OTHER_CODES = 0.02
"""Share of codes that rounding may change."""


def check_encoder_component(record: Recorder, case: Case) -> None:
    """Run all checks of a component of kind "encoder" or "codec"."""
    if (built := build(record, case)) is None:
        return
    record.check("its config is strict and frozen", lambda: strict_struct(_type(built), "Config"))
    shape: list[Shape] = []

    def told() -> Iterator[str]:
        shape.append(image_shape(case.shape, built.module, built.spec.config))
        yield from ()

    if not record.check("the shape of its images is known", told):
        return
    if isinstance(built.module, Trainable):
        batch = material.batch(conditioners_of(built.module), BATCH, shape[0], case.columns)
        if not check_training(record, Trained(built, batch)):
            return
        record.check("it fits what has a closed form", partial(finalized, built, case))
    else:
        record.skip("phases are disjoint, and cover all that is trainable", "it does not train")
    check_loaded_encoder(record, case, built, shape[0])


def check_loaded_encoder(record: Recorder, case: Case, built: Opened, shape: Shape) -> None:
    """Save an encoder, load it, and check what was loaded."""
    loaded: list[Opened] = []
    claim = "what was saved and loaded gives the same latents"
    if not record.check(claim, partial(_reloaded, case, built, shape, loaded)) and not loaded:
        return
    encoder = loaded[0].module
    assert isinstance(encoder, Encoder)
    check_codec(record, encoder, material.images(N, shape), "")


def check_codec(record: Recorder, encoder: Encoder, images: Tensor, prefix: str) -> None:
    """Run all checks of an encoder, and of its decoder where it has one.

    Args:
        record: Where findings go.
        encoder: In evaluation mode.
        images: What it is tried on, `[N, C, H, W]`: such as it is made for.
        prefix: What claims begin with.
    """

    def claim(text: str) -> str:
        return prefix + text

    formed = "a posterior has the latent's shape, and a positive deviation or none"
    if not record.check(claim(formed), partial(posterior, encoder, images)):
        record.skip(claim("a latent does not depend on its batch"), "there are no latents")
        return
    record.check(claim("a latent does not depend on its batch"), partial(alone, encoder, images))
    record.check(claim("encoding draws no numbers"), partial(no_chance, encoder, images))
    if isinstance(encoder, Codec):
        record.check(claim("it decodes and reconstructs"), partial(decodes, encoder, images))


def _type(built: Opened) -> type:
    return type(built.module)


@torch.inference_mode()
def _encode(encoder: Encoder, images: Tensor) -> Posterior:
    return encoder.encode(images)


def _reloaded(case: Case, built: Opened, shape: Shape, loaded: list[Opened]) -> Iterator[str]:
    images = material.images(N, shape)
    loaded.append(round_trip(case.zoo, built))
    encoders = []
    for module in (built.module.eval(), loaded[0].module):
        assert isinstance(module, Encoder)
        encoders.append(module)
    expected, found = (_encode(encoder, images).mode() for encoder in encoders)
    if not same_latents(found, expected):
        yield problem(
            "the same latents of the same images",
            f"ones that differ by {relative_error(found, expected):.2g}",
            "keep all that encoding needs in parameters and persistent buffers: attributes of "
            "any other sort are not in the file",
        )


def posterior(encoder: Encoder, images: Tensor) -> Iterator[str]:
    """The form of what `encode` gives."""
    latent = getattr(encoder, "latent_shape", None)
    if not isinstance(latent, tuple) or not all(isinstance(size, int) for size in latent):
        mend = "set it in the constructor"
        yield problem("latent_shape as a tuple of numbers", repr(latent), mend)
        return
    given: object = _encode(encoder, images)
    if not isinstance(given, Posterior):
        found = f"a {type(given).__name__}"
        yield problem("encode to give a Posterior", found, "return Posterior(mean, std)")
        return
    shape = (len(images), *latent)
    if (size := encoder.codebook_size) is not None:
        yield from codes(given, shape, size)
        return
    if isinstance(given.mean, Tensor) and given.mean.dtype == torch.int64:
        yield problem("codebook_size of codes", "None", "set it to the number of codes")
        return
    yield from well_formed(given.mean, shape, "the posterior's mean")
    if given.std is not None:
        yield from well_formed(given.std, shape, "the posterior's deviation")
        if bool((given.std <= 0).any()):
            mend = "parametrise its logarithm, and take exp()"
            yield problem("a deviation above 0", f"{float(given.std.min()):.3g}", mend)


def codes(given: Posterior, shape: tuple[int, ...], size: int) -> Iterator[str]:
    """The form of codes, and their range."""
    found: object = given.mean
    if not isinstance(found, Tensor) or found.dtype != torch.int64 or found.shape != shape:
        form = f"{found.dtype} of shape {list(found.shape)}" if isinstance(found, Tensor) else found
        mend = "give the places in the codebook, as argmin does"
        yield problem(f"codes as torch.int64 of shape {list(shape)}", str(form), mend)
    elif found.numel() and not 0 <= int(found.min()) <= int(found.max()) < size:
        mend = "set codebook_size to their number"
        yield problem(f"codes in [0, {size})", f"{int(found.min())} to {int(found.max())}", mend)
    if given.std is not None:
        yield problem("codes without a deviation", "one", "return Posterior(codes)")


def same_latents(found: Tensor, expected: Tensor) -> bool:
    """Whether latents are equal up to rounding, which may decide between two codes as near."""
    if found.is_floating_point() or expected.is_floating_point():
        return same(found, expected)
    others = int((found != expected).sum()) if found.shape == expected.shape else found.numel()
    return others <= expected.numel() * MOST_OTHER_CODES


def alone(encoder: Encoder, images: Tensor) -> Iterator[str]:
    """An image's latent is the same alone and in a batch."""
    together = _encode(encoder, images).mode()
    for i in range(len(images)):
        single = _encode(encoder, images[i : i + 1]).mode()[0]
        if not same_latents(single, together[i]):
            found = f"one that differs by {relative_error(single, together[i]):.2g}"
            mend = "use no statistics over the batch"
            yield problem(f"latent {i} of a batch as it is alone", found, mend)
            return


def no_chance(encoder: Encoder, images: Tensor) -> Iterator[str]:
    """Encoding the same image twice gives the same posterior."""
    found: list[str] = []
    with untouched(found):
        _encode(encoder, images)
    yield from found
    modes = []
    for seed in (1, 2):
        with reseeded(seed):
            modes.append(_encode(encoder, images).mode())
    if not found and not same(modes[1], modes[0]):
        mend = "give the distribution; Posterior.sample draws from it"
        yield problem("the same posterior each time", "another", mend)


def decodes(codec: Codec, images: Tensor) -> Iterator[str]:
    """Latents decode to images of the right form, each for itself."""
    with torch.inference_mode():
        given = codec.encode(images)
        drawn = given.sample(SampleRng(range(len(images))))
        decoded = codec.decode(given.mode())
        faults = list(well_formed(decoded, images.shape, "decoded images"))
        yield from faults
        if faults:
            return
        yield from well_formed(codec.decode(drawn), images.shape, "images decoded from a draw")
        yield from in_range(codec.reconstruct(images), "reconstructions")
        single = codec.decode(given.mode()[:1])[0]
    if not same(single, decoded[0]):
        found = f"one that differs by {relative_error(single, decoded[0]):.2g}"
        mend = "use no statistics over the batch"
        yield problem("image 0 of a batch as it is decoded alone", found, mend)
