"""Recall: how often the caption of a picture is among the nearest ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Share(NamedTuple):
    """The mean over captions of each caption's share of pictures, 0–1, and its standard error."""

    value: float
    spread: float


def recall_at(k: int, similarities: Tensor, owners: Tensor) -> Tensor:
    """For each picture, how probably its caption is among the k nearest, `[N]`, float64 in 0–1.

    R@k of image-to-text retrieval (Karpathy & Fei-Fei 2015, "Deep visual-semantic alignments for
    generating image descriptions", section 4.1). It is 0 or 1 but for captions that are equally
    near, whose order is drawn: of `ties` that share the places after `nearer` others, each is
    among the first k with probability (k - nearer) / ties. A net for which all captions are
    alike has k / C.

    Args:
        k: At least 1.
        similarities: Of pictures to captions, `[N, C]`; higher is nearer.
        owners: Which caption each picture was made for, int64 `[N]`.
    """
    own = similarities.gather(1, owners[:, None])
    nearer = (similarities > own).sum(1).double()
    ties = (similarities == own).sum(1)
    return ((k - nearer) / ties).clamp(0, 1)


def over_captions(shares: Tensor, owners: Tensor) -> Share:
    """The mean of pictures' shares, each caption counting alike.

    The spread is the bootstrap's over captions, which for a mean needs no drawing: it is the
    standard deviation over captions, divided by the root of their number (Efron & Tibshirani
    1993, "An introduction to the bootstrap", equation 5.12). More pictures of a caption make it
    no smaller than what captions differ by.

    Args:
        shares: Of each picture, `[N]`.
        owners: Which caption it was made for, int64 `[N]`; one without pictures does not count.

    Raises:
        ValueError: There is no picture.
    """
    if not len(shares):
        raise ValueError("there is no picture to take a share of")
    counts = torch.bincount(owners).double()
    sums = torch.zeros_like(counts).index_add(0, owners, shares.double())
    means = sums[counts > 0] / counts[counts > 0]
    spread = means.std(correction=0) / len(means) ** 0.5
    return Share(means.mean().item(), spread.item())
