"""Tensors that a format of others describes a model by, as a file of genzoo's would hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from genzoo.files.dtypes import DTYPE_NAME, accepted_dtypes
from genzoo.files.header import TensorInfo
from genzoo.text import quoted
from genzoo_core.errors import WeightsError


class DescribedTensors:
    """Tensors by name, as the format of the folder `name` gave them.

    Raises:
        WeightsError: One is no tensor on the CPU, or of a class with code of its own.
    """

    def __init__(self, name: str, tensors: Mapping[Any, Any]) -> None:
        self.name = name
        self._tensors: dict[str, Tensor] = {}
        for key, tensor in tensors.items():
            if not (isinstance(key, str) and type(tensor) in (Tensor, Parameter)):
                kind = type(tensor).__name__
                raise WeightsError(f"{name}: its format gave {kind} as the tensor {quoted(key)}")
            if tensor.layout != torch.strided or tensor.device.type != "cpu":
                raise WeightsError(f"{name}: {quoted(key)} is no dense tensor on the CPU")
            self._tensors[key] = tensor.detach()

    @property
    def tensors(self) -> dict[str, TensorInfo]:
        """Dtype and shape of each."""
        return {
            name: TensorInfo(
                DTYPE_NAME.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape), 0, 0
            )
            for name, tensor in self._tensors.items()
        }

    def tensor(self, name: str) -> Tensor:
        """One of them, as it would be stored."""
        return self._tensors[name]

    def stored(self, name: str) -> bytes:
        """The bytes that it would have in a file."""
        flat = self._tensors[name].contiguous().reshape(-1)
        return flat.view(torch.uint8).numpy().tobytes()

    def cast(self, slots: Mapping[str, torch.dtype]) -> None:
        """Cast floating-point tensors to what a file may hold for a module with these dtypes.

        Nothing is lost but where the module's own dtype loses it.
        """
        for name, dtype in slots.items():
            tensor = self._tensors.get(name)
            if tensor is None or not (tensor.is_floating_point() and dtype.is_floating_point):
                continue
            if DTYPE_NAME.get(tensor.dtype) in accepted_dtypes(dtype):
                continue
            self._tensors[name] = tensor.to(_stored_as(tensor, dtype))


def _stored_as(tensor: Tensor, slot: torch.dtype) -> torch.dtype:
    """The dtype of a tensor in a file: half precision is enough for every float8."""
    if slot != torch.float32 or tensor.itemsize > 1:
        return slot
    exponents = tensor.dtype == getattr(torch, "float8_e8m0fnu", None)  # up to 2**127
    return torch.bfloat16 if exponents else torch.float16
