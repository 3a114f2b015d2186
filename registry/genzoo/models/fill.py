"""Putting a file's tensors into a module that was built without weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from genzoo.files.dtypes import accepted_dtypes
from genzoo.models.build import own_modules
from genzoo_core.errors import PluginError, WeightsError
from genzoo_core.zoo import Opened

_SHOWN = 3


def check_tensors(
    built: Opened, declared: Mapping[str, tuple[str, tuple[int, ...]]], where: str
) -> None:
    """Compare names, shapes and dtypes before a tensor is read.

    Args:
        built: The module; it may be on the meta device.
        declared: dtype (in safetensors' spelling) and shape by name.
        where: What holds them, for messages.

    Raises:
        WeightsError: Names the first few that are missing, unknown, or of another shape or
            dtype.
    """
    expected = built.own_tensors()
    _refuse(where, "lacks", [name for name in expected if name not in declared])
    _refuse(where, "has unknown", [name for name in declared if name not in expected])
    shapes = [
        f"{name} ({list(declared[name][1])}, not {list(tensor.shape)})"
        for name, tensor in expected.items()
        if declared[name][1] != tuple(tensor.shape)
    ]
    _refuse(where, "has another shape for", shapes)
    dtypes = [
        f"{name} ({declared[name][0]}, not {' or '.join(accepted_dtypes(tensor.dtype))})"
        for name, tensor in expected.items()
        if declared[name][0] not in accepted_dtypes(tensor.dtype)
    ]
    _refuse(where, "has another dtype for", dtypes)


def fill(built: Opened, read: Callable[[str], Tensor], where: str) -> None:
    """Put tensors into the module: parameters frozen, floating ones as float32.

    Args:
        built: The module, on the meta device, that `check_tensors` accepted.
        read: Gives a tensor of the file by name.
        where: The file, for messages.

    Raises:
        WeightsError: A tensor holds NaN or infinity, or a truth value that is neither 0 nor 1.
        PluginError: The module keeps a tensor that is neither parameter nor buffer.
    """
    filled: dict[int, Tensor] = {}
    for prefix, module in own_modules(built).items():
        dot = f"{prefix}." if prefix else ""
        for table, wrap in ((module._parameters, _frozen), (module._buffers, _as_is)):
            for name, slot in table.items():
                if slot is None:
                    continue
                if id(slot) not in filled:
                    filled[id(slot)] = wrap(_checked(read(dot + name), slot, dot + name, where))
                table[name] = filled[id(slot)]  # type: ignore[assignment]
        _refuse_leftovers(module)


def _frozen(tensor: Tensor) -> Tensor:
    return nn.Parameter(tensor, requires_grad=False)


def _as_is(tensor: Tensor) -> Tensor:
    return tensor


def _checked(stored: Tensor, slot: Tensor, name: str, where: str) -> Tensor:
    if stored.dtype == torch.bool and bool((stored.view(torch.uint8) > 1).any()):
        raise WeightsError(f"{where} is damaged: {name} holds what is neither true nor false")
    tensor = stored.to(slot.dtype, copy=True)
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"{where} is damaged: {name} holds NaN or infinity")
    return tensor


def _refuse_leftovers(module: nn.Module) -> None:
    for name, value in vars(module).items():
        if isinstance(value, Tensor) and value.is_meta:
            raise PluginError(
                f"{type(module).__name__}.{name} is a tensor outside parameters and buffers",
                "register it as a buffer, so that the file holds it",
            )


def _refuse(where: str, verb: str, names: Sequence[str]) -> None:
    if names:
        shown = ", ".join(ascii(name[:120])[1:-1] for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise WeightsError(f"{where} does not fit its model: it {verb} {shown}{more}")
