"""Whether pictures are drawn in the style that is their condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_eval.metrics.neighbours import nearest
from genzoo_eval.nets.dual import DualEncoder
from genzoo_eval.real import RealFeatures

STYLE = "style"
"""The conditioner, and the dataset's column, that say in which style a picture is drawn."""

MOST = 20
"""Values beyond which a column is not one of styles."""


def styles_of(train: Dataset) -> tuple[str, ...]:
    """The styles of a dataset, in the order of the alphabet; none where it has none."""
    found = sorted({str(value) for value in train.columns.get(STYLE, ())})
    return tuple(found) if 2 <= len(found) <= MOST else ()


def nearest_styles(images: Tensor, real: RealFeatures, train: Dataset) -> Tensor:
    """The style of the training image that is nearest to each image, as its place in
    `styles_of`, int64 `[N]`.

    Args:
        images: uint8 `[N, C, H, W]`.
        train: The training data, in the order of `real.train`.
    """
    places = {style: place for place, style in enumerate(styles_of(train))}
    styles = torch.tensor([places[str(value)] for value in train.columns[STYLE]])
    return styles[nearest(real.net.features(images), real.train).index]


def styles_right(made: Mapping[str, Tensor], real: RealFeatures, train: Dataset) -> Tensor:
    """Whether the nearest training image of each image has the style that is its condition,
    bool `[N]`.

    Args:
        made: Images uint8 `[N, C, H, W]` by the style.
        train: As in `nearest_styles`.
    """
    styles = styles_of(train)
    right = [
        nearest_styles(images, real, train) == styles.index(style) for style, images in made.items()
    ]
    return torch.cat(right)


def by_style(data: Dataset, styles: Sequence[str]) -> dict[str, Tensor]:
    """The images of a dataset that there are in each style, uint8 `[N, C, H, W]`."""
    rows = {
        style: [row for row, value in enumerate(data.columns[STYLE]) if str(value) == style]
        for style in styles
    }
    return {style: data.images[chosen] for style, chosen in rows.items() if chosen}


def style_net(nets: Sequence[RealFeatures]) -> RealFeatures:
    """The net to find styles with: one that was not trained to match pictures of both styles."""
    return min(nets, key=lambda real: isinstance(real.net.encoder, DualEncoder))
