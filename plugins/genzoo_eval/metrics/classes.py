"""What a classifier sees in the generated pictures."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genzoo_core.libraries import mend_torchvision


class Accuracy(NamedTuple):
    """Accuracy over all pictures, and of each class, 0–1; NaN for a class without pictures."""

    overall: float
    per_class: tuple[float, ...]


def class_accuracy(predicted: Tensor, wanted: Tensor, classes: int) -> Accuracy:
    """The share of conditional samples that a classifier takes for their class.

    GAN-test of Shmelkov et al. 2018, "How good is my GAN?", where the classifier was trained on
    real data. It says nothing of diversity.

    Args:
        predicted: Class ids `[N]` from the classifier.
        wanted: Class ids `[N]` that the pictures were made for.

    Raises:
        ValueError: The two differ in number, or there are none.
        RuntimeError: An id is not from 0 to `classes` - 1.
    """
    if predicted.shape != wanted.shape or not len(wanted):
        raise ValueError(f"{len(predicted)} predictions for {len(wanted)} pictures")
    mend_torchvision()
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    table = multiclass_confusion_matrix(predicted, wanted, num_classes=classes).double()
    right = table.diagonal()
    return Accuracy((right.sum() / table.sum()).item(), tuple((right / table.sum(1)).tolist()))


def class_frequencies(ids: Tensor, classes: int) -> Tensor:
    """The histogram `[classes]` of class ids `[N]`, float64, adding up to 1.

    Raises:
        ValueError: There are no ids, or one is not below `classes`.
    """
    if not len(ids) or ids.min() < 0 or ids.max() >= classes:
        raise ValueError(f"a histogram needs ids from 0 to {classes - 1}")
    return torch.bincount(ids, minlength=classes).double() / len(ids)


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half of the sum of |p - q| of frequencies `[classes]`, 0–1."""
    return 0.5 * (p.double() - q.double()).abs().sum().item()
