"""Data to latent and back: what `Encoder` and `Codec` promise."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genzoo_core.conditioner import conditioners_of
from genzoo_core.encoder import Codec, Encoder, Posterior
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, Shape, image_shape, round_trip
from genzoo_core.testing.comparing import alone, equal, in_range, same, well_formed
from genzoo_core.testing.randomness import own_chance
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.training import BATCH, Trained, check_training, finalized
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened, Zoo

N = 3
MOST_OTHER_CODES = 0.02
"""Share of codes that rounding may change."""
PERSISTENT = (
    "keep all that is needed in parameters and persistent buffers: attributes of any other sort "
    "are not in the file"
)
NO_STATISTICS = "use no statistics over the batch"


def check_encoder_component(record: Recorder, case: Case, built: Opened) -> None:
    """Run all checks of a component of kind "encoder" or "codec"."""
    claim = "the shape of its images is known"
    shape = record.made(claim, image_shape, case.shape, built.module, built.spec.config)
    if shape is None:
        return
    if isinstance(built.module, Trainable):
        batch = material.batch(conditioners_of(built.module), BATCH, shape, case.columns)
        if not check_training(record, Trained(built, batch)):
            return
        record.check("it fits what has a closed form", finalized, built, case)
    else:
        record.skip("phases are disjoint, and cover all that is trainable", "it does not train")
    check_loaded_encoder(record, case.zoo, built, shape)


def check_loaded_encoder(record: Recorder, zoo: Zoo, built: Opened, shape: Shape) -> None:
    """Save an encoder, load it, and check what was loaded."""
    loaded: list[Opened] = []
    images = material.images(N, shape)
    claim = "what was saved and loaded gives the same latents"
    if not record.check(claim, _reloaded, zoo, built, images, loaded) and not loaded:
        return
    encoder = loaded[0].module
    assert isinstance(encoder, Encoder)
    check_codec(record, encoder, images)


def check_codec(record: Recorder, encoder: Encoder, images: Tensor, prefix: str = "") -> None:
    """Run all checks of an encoder in evaluation mode, and of its decoder where it has one.

    `images`, `[N, C, H, W]`, are such as it is made for; claims begin with `prefix`.
    """
    formed = f"{prefix}a posterior has the latent's shape, and a positive deviation or none"
    batch = f"{prefix}a latent does not depend on its batch"
    if not record.check(formed, posterior, encoder, images):
        record.skip(batch, "there are no latents")
        return

    def latents(images: Tensor = images) -> Tensor:
        return _encode(encoder, images).mode()

    def single(i: int) -> Tensor:
        return latents(images[i : i + 1])[0]

    record.check(batch, lambda: alone("latent", latents(), single, NO_STATISTICS, same_latents))
    mend = "give the distribution; Posterior.sample draws from it"
    record.check(f"{prefix}encoding draws no numbers", own_chance, latents, "latents", mend)
    if isinstance(encoder, Codec):
        record.check(f"{prefix}it decodes and reconstructs", decodes, encoder, images)


@torch.inference_mode()
def _encode(encoder: Encoder, images: Tensor) -> Posterior:
    return encoder.encode(images)


def _reloaded(zoo: Zoo, built: Opened, images: Tensor, loaded: list[Opened]) -> Iterator[str]:
    loaded.append(round_trip(zoo, built))
    latents = []
    for module in (built.module.eval(), loaded[0].module):
        assert isinstance(module, Encoder)
        latents.append(_encode(module, images).mode())
    what = "the same latents of the same images"
    yield from equal(latents[1], latents[0], what, PERSISTENT, same_latents)


def posterior(encoder: Encoder, images: Tensor) -> Iterator[str]:
    latent = getattr(encoder, "latent_shape", None)
    if not isinstance(latent, tuple) or not all(isinstance(size, int) for size in latent):
        mend = "set it in the constructor"
        yield problem("latent_shape as a tuple of numbers", repr(latent), mend)
        return
    found: object = _encode(encoder, images)
    if not isinstance(found, Posterior):
        name = f"a {type(found).__name__}"
        yield problem("encode to give a Posterior", name, "return Posterior(mean, std)")
        return
    shape = (len(images), *latent)
    if (size := encoder.codebook_size) is not None:
        yield from codes(found, shape, size)
        return
    if isinstance(found.mean, Tensor) and found.mean.dtype == torch.int64:
        yield problem("codebook_size of codes", "None", "set it to the number of codes")
        return
    yield from well_formed(found.mean, shape, "the posterior's mean")
    if found.std is not None:
        yield from well_formed(found.std, shape, "the posterior's deviation")
        if bool((found.std <= 0).any()):
            mend = "parametrise its logarithm, and take exp()"
            yield problem("a deviation above 0", f"{float(found.std.min()):.3g}", mend)


def codes(posterior: Posterior, shape: tuple[int, ...], size: int) -> Iterator[str]:
    found: object = posterior.mean
    if not isinstance(found, Tensor) or found.dtype != torch.int64 or found.shape != shape:
        form = f"{found.dtype} of shape {list(found.shape)}" if isinstance(found, Tensor) else found
        mend = "give the places in the codebook, as argmin does"
        yield problem(f"codes as torch.int64 of shape {list(shape)}", str(form), mend)
    elif found.numel() and not 0 <= int(found.min()) <= int(found.max()) < size:
        mend = "set codebook_size to their number"
        yield problem(f"codes in [0, {size})", f"{int(found.min())} to {int(found.max())}", mend)
    if posterior.std is not None:
        yield problem("codes without a deviation", "one", "return Posterior(codes)")


def same_latents(found: Tensor, expected: Tensor) -> bool:
    """Whether latents are equal up to rounding, which may decide between two codes as near."""
    if found.is_floating_point() or expected.is_floating_point():
        return same(found, expected)
    others = int((found != expected).sum()) if found.shape == expected.shape else found.numel()
    return others <= expected.numel() * MOST_OTHER_CODES


def decodes(codec: Codec, images: Tensor) -> Iterator[str]:
    with torch.inference_mode():
        encoded = codec.encode(images)
        drawn = encoded.sample(SampleRng(range(len(images))))
        decoded = codec.decode(encoded.mode())
        if not (yield from well_formed(decoded, images.shape, "decoded images")):
            return
        yield from well_formed(codec.decode(drawn), images.shape, "images decoded from a draw")
        yield from in_range(codec.reconstruct(images), "reconstructions")
        single = codec.decode(encoded.mode()[:1])[0]
    what = "image 0 of a batch as it is decoded alone"
    yield from equal(single, decoded[0], what, NO_STATISTICS)
