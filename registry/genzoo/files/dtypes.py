"""dtypes in the spelling of safetensors."""

from __future__ import annotations

import torch

TORCH_DTYPE = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
"""By the names that `genzoo.files.header.ITEM_SIZE` knows."""

DTYPE_NAME = {dtype: name for name, dtype in TORCH_DTYPE.items()}


def accepted_dtypes(dtype: torch.dtype) -> tuple[str, ...]:
    """How a file may store a tensor that the module keeps as `dtype`; empty for not at all."""
    if dtype == torch.float32:
        return ("F16", "BF16", "F32")
    return (DTYPE_NAME[dtype],) if dtype in DTYPE_NAME else ()
