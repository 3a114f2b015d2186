"""What the configs of a folder say of its pictures, without the libraries that build it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DENOISERS = ("unet", "transformer", "prior")
AUTOENCODERS = ("vae", "vqvae", "movq")

Config = Mapping[str, Any]


def shape_of(configs: Mapping[str, Config]) -> tuple[int, int, int] | None:
    """(C, H, W) of the pictures of a pipeline, or of what decodes latents; None where unsaid.

    Args:
        configs: The config of each component, by its name.
    """
    vae = _first(configs, AUTOENCODERS)
    denoiser = _first(configs, DENOISERS) or vae or {}
    height, width = _sides(denoiser.get("sample_size"))
    channels = vae.get("out_channels", 3) if vae else denoiser.get("in_channels")
    factor = shrinkage(vae) if vae and denoiser is not vae else 1
    if not isinstance(channels, int) or min(channels, height, width) < 1:
        return None
    return channels, height * factor, width * factor


def shrinkage(vae: Config) -> int:
    """How many pixels of a picture's side one place of a latent stands for."""
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels") or [0]
    return int(2 ** (len(blocks) - 1))


def labels_of(config: Config) -> dict[int, str]:
    """The names of the classes, by their numbers."""
    labels = config.get("id2label")
    if not isinstance(labels, Mapping):
        return {}
    found = {int(n): name for n, name in labels.items() if str(n).isdecimal() and _is_name(name)}
    return dict(sorted(found.items()))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name.strip())


def _first(configs: Mapping[str, Config], names: tuple[str, ...]) -> Config | None:
    return next((configs[name] for name in names if name in configs), None)


def _sides(size: object) -> tuple[int, int]:
    if isinstance(size, int) and not isinstance(size, bool):
        return size, size
    if isinstance(size, (list, tuple)) and [type(side) for side in size] == [int, int]:
        return size[0], size[1]
    return 0, 0
