"""What layers do with a whole batch, on the ranks that share it: batch normalisation, dropout."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from genzoo_core.ranks import current_share, summed

DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d)
"""Functions that draw what they multiply by; its first side is that of the batch."""


class WholeBatch(TorchFunctionMode):
    """Within it, layers of torch do what one process would do with the rows of all ranks.

    Batch normalisation takes its moments over all rows, on any device and in the layers of any
    library: `torch.nn.SyncBatchNorm` knows neither the CPU nor those of timm. Dropout draws for all
    rows and uses its own.

    Attributes:
        used: Whether there was such a layer. Looking at each function takes time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.used = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is F.batch_norm or func in DROPOUTS:
            given = inspect.signature(func).bind(*args, **(kwargs or {}))
            given.apply_defaults()
            if given.arguments["training"]:
                self.used = True
                return (batch_norm if func is F.batch_norm else _dropout)(func, **given.arguments)
        return func(*args, **(kwargs or {}))


def has_layers(module: nn.Module) -> bool:
    """Whether a module has layers of batch normalisation or dropout."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    return any(isinstance(layer, kinds) for layer in module.modules())


def batch_norm(
    function: object,
    input: Tensor,  # noqa: A002 - torch's name
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`F.batch_norm` in training, of `[b, C, ...]`, by the moments of the rows of all ranks."""
    places = [0, *range(2, input.dim())]
    exact = input if input.dtype == torch.float64 else input.float()
    count = exact.new_tensor([exact.numel() / exact.shape[1]])
    total = summed(torch.cat([exact.sum(places), count]))
    mean, count = total[:-1] / total[-1], total[-1]
    shape = (1, -1, *[1] * (input.dim() - 2))
    centred = exact - mean.view(shape)
    # In two passes: a mean far from 0 would leave few digits to a difference of squares.
    variance = summed(centred.square().sum(places)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean), momentum)
            unbiased = variance * (count / (count - 1))
            running_var.lerp_(unbiased.to(running_var), momentum)
    out = centred * (variance + eps).rsqrt().view(shape)
    if weight is not None:
        out = out * weight.view(shape)
    if bias is not None:
        out = out + bias.view(shape)
    return out.to(input.dtype)


def _dropout(
    function: Callable[..., Tensor],
    input: Tensor,  # noqa: A002 - torch's name
    p: float,
    training: bool,
    inplace: bool,
) -> Tensor:
    """A function of `DROPOUTS` in training, of `[m * b, ...]`: m batches, one after the other."""
    share = current_share()
    if share is None or not p:
        return function(input, p, training, inplace)
    batches = len(input) // len(share)
    ones = input.new_ones(batches * share.batch_size, *input.shape[1:])
    drawn = function(ones, p, True).view(batches, share.batch_size, *input.shape[1:])
    kept = drawn[:, share.rows].flatten(0, 1)
    return input.mul_(kept) if inplace else input * kept
