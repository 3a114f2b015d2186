"""Published backbones as feature nets, for figures in features that others know too."""

from __future__ import annotations

import hashlib
import json
import re

import msgspec

from genzoo_core.encoder import Encoder
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.specs import ModelSpec
from genzoo_core.zoo import Zoo

PREFIX = "timm:"
"""Begins the name of such a net: "timm:resnet18", or "timm:resnet18@64" for images resized to 64
pixels, where the backbone's own size would take too long."""

COMPONENT = "genzoo/timm"


def open_backbone(zoo: Zoo, name: str, shape: tuple[int, int, int]) -> tuple[Encoder, str]:
    """A backbone of timm with its published weights, and a sha256 of both.

    Args:
        shape: (C, H, W) of the images that it is to see.

    Raises:
        UsageError: The name is not of that form.
        ConfigError: timm has no such backbone, or no weights of it.
        HubError: Its weights are not on this machine and cannot be fetched.
    """
    found = re.fullmatch(r"([\w.]+)(?:@([0-9]{1,4}))?", name.removeprefix(PREFIX))
    if found is None:
        raise UsageError(f"{name!r} is no feature net", f"give {PREFIX}BACKBONE[@SIDE]")
    config = {"backbone": found[1], "shape": shape, "pretrained": True}
    if found[2]:
        config["size"] = int(found[2])
    # Published weights are loaded only for a training, which starts from them.
    built = zoo.build(ModelSpec(COMPONENT, config, "encoder"), training=True)
    if not isinstance(built.module, Encoder):
        raise GenzooError(f"{COMPONENT} is no encoder")
    digest = hashlib.sha256(json.dumps(msgspec.to_builtins(built.spec)).encode())
    for key, tensor in built.own_tensors().items():
        digest.update(key.encode() + tensor.contiguous().numpy().tobytes())
    return built.module.eval().requires_grad_(False), digest.hexdigest()
