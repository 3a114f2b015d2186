"""What the tests of evaluations share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from genzoo_eval.report import Report
from genzoo_eval.settings import Settings

CLASSIFIER = "features-mnist-classifier"
SELF_SUPERVISED = "features-mnist-self-supervised"
CHEAP = Settings(n=400, costs=False)


def value(report: Report, key: str, net: str = "") -> float:
    figure = report.figure(key, net)
    assert figure is not None, f"no figure {key} in {net}"
    return figure.value


def as_npz(file: Path, images: torch.Tensor, labels: np.ndarray | None = None) -> Path:
    """Pictures uint8 `[N, C, H, W]` as `genzoo run -o x.npz` lays them out."""
    arrays = {"images": images.permute(0, 2, 3, 1).numpy()}
    np.savez(file, **arrays, **({} if labels is None else {"labels": labels}))
    return file
