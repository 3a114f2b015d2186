"""What can be counted of a model, whatever the machine."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from genzoo_core.model import GenerativeModel, OptionsT
from genzoo_core.rng import SampleRng

COUNTED = 8
"""Images whose operations are counted at a time."""


def parameters(module: nn.Module) -> int:
    """Numbers that were trained, those of shared parts included."""
    return sum(parameter.numel() for parameter in module.parameters())


def flops(model: GenerativeModel[OptionsT], options: OptionsT) -> float:
    """Floating-point operations for one image without a prompt.

    Matrix products, convolutions and attention, a multiplication and an addition counted as two.

    Args:
        model: The model.
        options: Its options.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        model.sample(SampleRng(range(COUNTED)), {}, options)
    return counter.get_total_flops() / COUNTED
