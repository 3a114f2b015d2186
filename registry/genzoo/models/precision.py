"""What numbers a model computes with."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import Precision

if TYPE_CHECKING:
    import torch
    from torch import nn

    from genzoo_core.zoo import Opened

HALVES = {"bf16": "bfloat16", "fp16": "float16"}
"""What torch calls the precisions that are not float32."""

METHODS = ("sample", "encode", "decode", "reconstruct")
"""What of a model or a codec computes in half precision."""


def check_precision(precision: str, device: str) -> None:
    """Refuse an unknown precision, and one in which a device does not compute."""
    if precision not in get_args(Precision):
        there = ", ".join(get_args(Precision))
        raise UsageError(f"there is no precision {quoted(precision)}", f"there are {there}")
    if precision not in HALVES:
        return
    import torch

    dtype, one = getattr(torch, HALVES[precision]), torch.ones(1, 1, device=device)
    try:
        with warnings.catch_warnings():  # where torch cannot, it says so and goes on without
            warnings.simplefilter("ignore")
            with torch.autocast(one.device.type, dtype):
                works = (one @ one).dtype == dtype
    except RuntimeError:
        works = False
    if not works:
        raise UsageError(f"device {device} does not compute in {precision}", "use --precision fp32")


def in_precision(opened: Opened, precision: Precision) -> Opened:
    """A model that computes in a precision; for "auto" in that of its weights.

    The module itself is changed, as by a device: its networks compute in torch's autocast. What
    samplers, noisers and densities compute between them stays float32, and so do weights, latents
    and pictures. A module with its weights in that precision, as a format of others may load it, is
    left as it is.

    Raises:
        UsageError: Its weights are in half precision, and it is to compute in float32.
    """
    import torch

    own = _weights_precision(opened.module)
    wanted = own if precision == "auto" else precision
    if wanted == "fp32" and wanted != own:
        raise UsageError(
            f"{opened.name} has its weights in {own}: it does not compute in fp32",
            f"use --precision {own}",
        )
    dtype = None if wanted == own else getattr(torch, HALVES[wanted])
    for module in (opened.module, *opened.parts.values()):
        _set_autocast(module, dtype)
    return replace(opened, precision=wanted)


def _weights_precision(module: nn.Module) -> Precision:
    """The precision of most weights of a module."""
    import torch

    numbers: Counter[torch.dtype] = Counter()
    for parameter in module.parameters():
        numbers[parameter.dtype] += parameter.numel()
    most = numbers.most_common(1)
    halves: dict[torch.dtype, Precision] = {torch.bfloat16: "bf16", torch.float16: "fp16"}
    return halves.get(most[0][0], "fp32") if most else "fp32"


def _set_autocast(module: nn.Module, dtype: torch.dtype | None) -> None:
    """Let the models and codecs of a module compute in a dtype; None for that of the weights."""
    from genzoo_core.encoder import Encoder
    from genzoo_core.model import GenerativeModel

    for part in module.modules():
        if not isinstance(part, GenerativeModel | Encoder):
            continue
        for name in METHODS:
            if isinstance(vars(part).get(name), _Autocast):
                delattr(part, name)
            if dtype is not None and hasattr(part, name):
                setattr(part, name, _Autocast(part, name, dtype))


@dataclass(frozen=True)
class _Autocast:
    """A method of a model or a codec, computed in half precision; its result is in float32."""

    part: nn.Module
    name: str
    dtype: torch.dtype

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        import torch

        device = next((tensor.device.type for tensor in self.part.parameters()), "cpu")
        with torch.autocast(device, self.dtype):
            return _float32(getattr(type(self.part), self.name)(self.part, *args, **kwargs))


def _float32(made: Any) -> Any:
    """Pictures, latents or a posterior in float32; codes, and whatever else, unchanged."""
    import torch

    from genzoo_core.encoder import Posterior

    if isinstance(made, Posterior):
        return Posterior(_float32(made.mean), _float32(made.std))
    return made.float() if isinstance(made, torch.Tensor) and made.is_floating_point() else made
