"""Beginning from the weights of another model."""

from __future__ import annotations

import torch

from genzoo_core.errors import ConfigError
from genzoo_core.zoo import Opened, Zoo


@torch.no_grad()
def begin_from(zoo: Zoo, reference: str, built: Opened) -> tuple[str, ...]:
    """Give a fresh model the weights of another, tensor by tensor, where name and shape agree.

    Args:
        zoo: Where the other is.
        reference: What `Zoo.load` takes.
        built: The fresh model; changed in place.

    Returns:
        Names of the tensors that stay fresh.

    Raises:
        ConfigError: The two have no tensor in common.
        GenzooError: The other cannot be loaded.
    """
    there = zoo.open(reference).own_tensors()
    own = built.own_tensors()
    shared = [
        name for name, tensor in own.items() if name in there and there[name].shape == tensor.shape
    ]
    if not shared:
        raise ConfigError(
            f"no weights of {reference} fit {built.spec.component}",
            "begin from a model of the same component and sizes",
        )
    for name in shared:
        own[name].copy_(there[name])
    return tuple(name for name in own if name not in shared)
