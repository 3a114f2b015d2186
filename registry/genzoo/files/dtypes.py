"""dtypes in the spelling of safetensors."""

from __future__ import annotations

import torch
from torch import Tensor

from genzoo.files.header import DTYPES
from genzoo_core.errors import WeightsError

TORCH_DTYPE: dict[str, torch.dtype] = {
    name: getattr(torch, torch_name) for name, (torch_name, _) in DTYPES.items()
}
DTYPE_NAME = {dtype: name for name, dtype in TORCH_DTYPE.items()}


def accepted_dtypes(dtype: torch.dtype) -> tuple[str, ...]:
    """How a file may store a tensor that is `dtype` in the module; empty for not at all."""
    if dtype == torch.float32:
        return ("F16", "BF16", "F32")
    return (DTYPE_NAME[dtype],) if dtype in DTYPE_NAME else ()


def check_values(tensor: Tensor, name: str, where: str) -> None:
    """Refuse NaN, infinity, and a truth value that is neither 0 nor 1."""
    if tensor.dtype == torch.bool and bool((tensor.view(torch.uint8) > 1).any()):
        raise WeightsError(f"{where} is damaged: {name} holds what is neither true nor false")
    if tensor.is_floating_point() or tensor.is_complex():
        # torch cannot check a float8.
        numbers = tensor.float() if tensor.itemsize == 1 else tensor
        if not bool(torch.isfinite(numbers).all()):
            raise WeightsError(f"{where} is damaged: {name} holds NaN or infinity")
