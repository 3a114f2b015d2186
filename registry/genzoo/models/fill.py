"""Putting a file's tensors into a module that was built without weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genzoo.files.dtypes import accepted_dtypes, check_values
from genzoo_core.errors import PluginError, WeightsError
from genzoo_core.zoo import Opened

_LISTED = 3


def check_tensors(
    built: Opened, declared: Mapping[str, tuple[str, tuple[int, ...]]], where: str
) -> None:
    """Compare a module, which may be on the meta device, with what a file declares.

    That is dtype (in safetensors' spelling) and shape by name; `where` is the file, for messages.

    Raises:
        WeightsError: Names the first few that are missing, unknown, or of another shape or dtype.
    """
    expected = built.own_tensors()
    _refuse(where, "lacks", [name for name in expected if name not in declared])
    _refuse(where, "has unknown", [name for name in declared if name not in expected])
    shapes, dtypes = [], []
    for name, tensor in expected.items():
        dtype, shape = declared[name]
        if shape != tuple(tensor.shape):
            shapes.append(f"{name} ({list(shape)}, not {list(tensor.shape)})")
        if dtype not in (accepted := accepted_dtypes(tensor.dtype)):
            dtypes.append(f"{name} ({dtype}, not {' or '.join(accepted)})")
    _refuse(where, "has another shape for", shapes)
    _refuse(where, "has another dtype for", dtypes)


def _refuse(where: str, verb: str, names: Sequence[str]) -> None:
    if names:
        listed = ", ".join(ascii(name[:120])[1:-1] for name in names[:_LISTED])
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        raise WeightsError(f"{where} does not fit its model: it {verb} {listed}{more}")


def fill(built: Opened, read: Callable[[str], Tensor], where: str) -> None:
    """Put tensors into a module on the meta device, in its dtypes, its parameters frozen.

    Raises:
        WeightsError: A tensor holds NaN or infinity, or a truth value that is neither 0 nor 1.
        PluginError: The module keeps a tensor that is neither parameter nor buffer.
    """
    filled: dict[Tensor, Tensor] = {}  # a tied tensor has several names and one place
    for prefix, module in built.own_modules().items():
        dot = f"{prefix}." if prefix else ""
        tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for table in tables:
            for name, slot in table.items():
                if slot is None:
                    continue
                if slot not in filled:
                    stored = read(dot + name)
                    tensor = stored.to(slot.dtype, copy=True)
                    checked = stored if stored.dtype == torch.bool else tensor
                    check_values(checked, dot + name, where)
                    is_parameter = isinstance(slot, nn.Parameter)
                    filled[slot] = nn.Parameter(tensor, False) if is_parameter else tensor
                table[name] = filled[slot]
        for name, value in vars(module).items():
            if isinstance(value, Tensor) and value.is_meta:
                raise PluginError(
                    f"{type(module).__name__}.{name} is a tensor outside parameters and buffers",
                    "register it as a buffer, so that the file holds it",
                )
