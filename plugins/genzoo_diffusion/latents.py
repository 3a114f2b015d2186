"""Data that is the latents of a codec."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from genzoo_core import Codec, ConfigError
from genzoo_core.encoder import check_continuous


def pictures_of(x: Tensor, codec: Codec | None, shape: Sequence[int]) -> Tensor:
    """Data as pictures, `[B, *shape]` in [-1, 1].

    Args:
        x: Pictures, or latents of the codec, `[B, ...]`.
        codec: Decodes latents; None where the data are pictures.
        shape: (C, H, W) of a picture.

    Raises:
        ConfigError: The codec's pictures are not of that shape.
    """
    pictures = x if codec is None else codec.decode(x)
    if pictures.shape[1:] != tuple(shape):
        raise ConfigError(
            f"the codec makes pictures of {times(pictures.shape[1:])}, "
            f"but the config's shape is {times(shape)}"
        )
    return pictures.clamp(-1, 1)


def codec_of(part: object) -> Codec:
    """The codec that a shared part is or has.

    Raises:
        ConfigError: It has none, or one whose latents are codes.
    """
    codec = part if isinstance(part, Codec) else getattr(part, "codec", None)
    if not isinstance(codec, Codec):
        raise ConfigError(
            f"the part that plays the role 'codec' is a {type(part).__name__}, which has none",
            "name one of kind codec, or a model that can reconstruct",
        )
    check_continuous(codec, "diffusion")
    return codec


def times(shape: Sequence[int]) -> str:
    """A shape in words: "1×28×28"."""
    return "×".join(map(str, shape))
