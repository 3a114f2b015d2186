"""timm's facts about backbones, and the networks. Only this file imports timm."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from genzoo_core import ConfigError, PluginError
from genzoo_core.errors import did_you_mean
from genzoo_core.libraries import mend_torchvision
from genzoo_core.text import one_line

LEAST = 32
"""Side of the smallest images where timm does not say: most backbones halve it five times."""


@dataclass(frozen=True)
class Backbone:
    """What timm says of a backbone before it is built.

    Attributes:
        name: Its name, with the tag of its weights, or without.
        channels: Channels of the images that its weights were trained on.
        size: (H, W) of these.
        least: (H, W) of the smallest images that suit it.
        fixed: Whether the network is built for images of one size.
        mean: Of each channel of these images, scaled to [0, 1].
        std: The standard deviation of each.
        interpolation: How they were resized: "bilinear" or "bicubic".
        repository: Where its weights are on the Hugging Face Hub, "owner/repo"; "" for nowhere.
    """

    name: str
    channels: int
    size: tuple[int, int]
    least: tuple[int, int]
    fixed: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    repository: str


def find_backbone(name: str) -> Backbone:
    """What timm says of the backbone `name`, "architecture" or "architecture.tag".

    Raises:
        ConfigError: timm has no such backbone; names those that are called much the same.
        PluginError: timm is not installed.
    """
    timm = _timm()
    architecture, _, tag = name.partition(".")
    architectures = timm.list_models()
    if architecture not in architectures:
        hint = did_you_mean(architecture, architectures) or "`timm.list_models()` lists them"
        raise ConfigError(f"timm has no backbone {name!r}", hint)
    tagged = timm.list_models(architecture, include_tags=True)
    if tag and name not in tagged:
        raise ConfigError(
            f"timm has no weights {tag!r} of {architecture}",
            did_you_mean(name, tagged) or f"there are {', '.join(tagged)}",
        )
    found = timm.get_pretrained_cfg(name)
    channels, height, width = found.input_size
    return Backbone(
        name,
        channels,
        (height, width),
        tuple((found.min_input_size or (channels, LEAST, LEAST))[1:]),
        found.fixed_input_size,
        tuple(found.mean),
        tuple(found.std),
        "bilinear" if found.interpolation == "bilinear" else "bicubic",
        found.hf_hub_id or "",
    )


def build(
    backbone: Backbone, channels: int, size: tuple[int, int], weights: Path | None = None
) -> tuple[nn.Module, int]:
    """The network without its classifier, and the number of its features.

    It takes images of `channels` and `size`, (H, W); `weights` is a safetensors file, None for
    fresh ones. Buffers that timm leaves out of its files are made persistent: a model that is
    built without weights has only what its file gives it.

    Raises:
        ConfigError: timm cannot build it for such images, or the weights are not its own.
    """
    options: dict[str, object] = {"num_classes": 0, "in_chans": channels}
    if backbone.fixed:
        options["img_size"] = size
    if weights is not None:
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
    try:
        network: nn.Module = _timm().create_model(backbone.name, **options)
        features = _features(network, torch.zeros(1, channels, *size))
    except Exception as error:
        images = "×".join(map(str, (channels, *size)))
        raise ConfigError(
            f"timm's {backbone.name} cannot be built for images of {images}: {one_line(error)}",
            "give another size",
        ) from error
    for module in network.modules():
        for name in tuple(module._non_persistent_buffers_set):
            module.register_buffer(name, getattr(module, name))
    return network, features


@torch.no_grad()
def _features(network: nn.Module, images: Tensor) -> int:
    """The number of features of an image; tries one, as small ones fail in many a backbone."""
    width = getattr(network, "head_hidden_size", None) or network.num_features
    assert isinstance(width, int)
    if images.is_meta:
        return width
    shape = tuple(network.eval()(images).shape)
    network.train()
    if shape != (1, width):
        raise ValueError(f"it gives features of the shape {shape[1:]}, not ({width},)")
    return width


def _timm() -> ModuleType:
    if find_spec("timm") is None:
        raise PluginError(
            "backbones of timm need timm, which is not installed", "`pip install timm`"
        )
    # A model without weights is built under a mode that makes no tensor real; what timm and
    # torchvision keep from their import is for all models.
    with torch._C.DisableTorchFunction():
        mend_torchvision()
        import timm

        return timm
