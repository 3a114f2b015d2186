"""What tasks need a model to be; an error says which models are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.conditioner import Condition
    from genzoo_core.encoder import Codec, Encoder
    from genzoo_core.model import GenerativeModel
    from genzoo_core.zoo import Opened

DIFFUSION = "diffusion models can: see `genzoo list --family diffusion`"
NO_ENCODER = "no encoder: it cannot encode a picture"
NO_DECODER = "no decoder: it cannot make pictures of latents"


def sampler_of(opened: Opened) -> GenerativeModel[Any]:
    """The model, as one that makes pictures from noise."""
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.encoder import Codec, Encoder
    from genzoo_core.model import GenerativeModel

    name = opened.name
    match opened.module:
        case GenerativeModel():
            return opened.module
        case Conditioner():
            does = "it reads prompts for the models whose part it is"
            hint = "`genzoo list --kind model` shows models, and `genzoo run MODEL PROMPT` runs one"
        case Codec():
            does = "it has nothing to sample from"
            hint = (
                f"`genzoo run {name} --input PICTURE` reconstructs one, `genzoo encode {name} "
                "PICTURE` gives its latents, and `genzoo decode` pictures of those"
            )
        case Encoder():
            does = "it turns pictures into features"
            hint = f"`genzoo encode {name} PICTURE` gives those of one"
        case _:
            does, hint = "it is not a generative model", f"`genzoo info {name}` says what it is"
    raise UsageError(f"{name} makes no pictures: {does}", hint)


def check_varies(opened: Opened, *, masked: bool) -> None:
    """Check that a model can begin from a picture and, where `masked`, make a part of it."""
    from genzoo_core.model import Inpainting

    if not can_vary(opened):
        hint = f"autoencoders, VAEs and {DIFFUSION}"
        raise UsageError(f"{opened.name} cannot begin from a picture", hint)
    if masked and not isinstance(opened.module, Inpainting):
        raise UsageError(
            f"{opened.name} varies a picture as a whole, not a part of it",
            f"leave out --mask, or name another model: {DIFFUSION}",
        )


def check_guided(opened: Opened) -> None:
    """Check that a model samples with guidance, which may lead away from a negative prompt."""
    from genzoo_core.model import Guided

    if not isinstance(opened.module, Guided):
        raise UsageError(
            f"{opened.name} draws without guidance: nothing leads away from a negative prompt",
            "leave it out, or use diffusion (no mean flow), or an autoencoder or VAE with a flow",
        )


def can_vary(opened: Opened) -> bool:
    """Whether a model can begin from a picture."""
    from genzoo_core.model import Varying

    return isinstance(opened.module, Varying)


def encoder_of(opened: Opened) -> Encoder:
    """The encoder of a model, or the encoder that it is."""
    from genzoo_core.encoder import Encoder
    from genzoo_core.model import GenerativeModel

    module = opened.module
    encoder = module.codec if isinstance(module, GenerativeModel) else module
    if not isinstance(encoder, Encoder):
        raise _without(opened, NO_ENCODER)
    return encoder


def codec_of(opened: Opened, lacks: str = NO_ENCODER) -> Codec:
    """The model's encoder, where it can decode as well; `lacks` completes the error otherwise."""
    from genzoo_core.encoder import Codec, Encoder
    from genzoo_core.model import GenerativeModel

    module = opened.module
    codec = module.codec if isinstance(module, GenerativeModel) else module
    if not isinstance(codec, Codec):
        raise _without(opened, NO_DECODER if isinstance(codec, Encoder) else lacks)
    return codec


def _without(opened: Opened, lacks: str) -> UsageError:
    hint = "autoencoders and VAEs can: see `genzoo list --family autoencoder` and `--family vae`"
    if lacks == NO_ENCODER:
        hint += "; to vary a picture, add --strength: " + DIFFUSION
    return UsageError(f"{opened.name} has {lacks}", hint)


def condition_of(opened: Opened, conditions: Mapping[str, Tensor], n: int) -> Condition | None:
    """What encoder and decoder are conditioned on for `n` pictures; None where they are not."""
    from genzoo_core.model import GenerativeModel

    module = opened.module
    return module.condition(conditions, n) if isinstance(module, GenerativeModel) else None
