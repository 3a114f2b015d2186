"""Mends libraries that cannot be imported beside some builds of torch."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import torch


def mend_torchvision() -> None:
    """Make `import torchvision` work where it is installed; to call before what imports it.

    timm, torchmetrics and torch-fidelity import torchvision. Its build on the package index fails
    beside a CPU-only torch, for want of two operators that nothing here calls. Declaring them
    beside a working torchvision would fail in turn.
    """
    if find_spec("torchvision") is None:
        return
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", schema)
        import_module("torchvision")
