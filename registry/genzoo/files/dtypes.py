"""dtypes in the spelling of safetensors."""

from __future__ import annotations

import torch

from genzoo.files.header import DTYPES

TORCH_DTYPE: dict[str, torch.dtype] = {
    name: getattr(torch, torch_name) for name, (torch_name, _) in DTYPES.items()
}
DTYPE_NAME = {dtype: name for name, dtype in TORCH_DTYPE.items()}


def accepted_dtypes(dtype: torch.dtype) -> tuple[str, ...]:
    """How a file may store a tensor that the module keeps as `dtype`; empty for not at all."""
    if dtype == torch.float32:
        return ("F16", "BF16", "F32")
    return (DTYPE_NAME[dtype],) if dtype in DTYPE_NAME else ()
