"""Whether pictures are drawn in the style that is their condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import torch
from torch import Tensor

from genzoo_eval.distribution import mean_figure
from genzoo_eval.metrics.neighbours import nearest
from genzoo_eval.nets.dual import DualEncoder
from genzoo_eval.real import RealFeatures
from genzoo_eval.report import Figure
from genzoo_eval.subjects import ModelImages
from genzoo_eval.text.captions import Captions, CaptionSet

Tables = dict[str, tuple[float, ...]]

STYLE = "style"
"""The conditioner, and the dataset's column, that say in which style a picture is drawn."""

MOST = 20
"""Values beyond which a column is not one of styles."""


def style_figures(
    model: ModelImages,
    made: Mapping[str, CaptionSet],
    nets: Sequence[RealFeatures],
    captions: Captions,
    seed: int,
) -> tuple[list[Figure], Tables]:
    """How often a style is drawn that was a condition, and which styles are drawn without one.

    A picture has the style of the training image that is nearest to it; the floor is the share of
    test images whose own style that is.
    """
    train, test = captions.train, captions.test
    styles = sorted({str(value) for value in train.columns.get(STYLE, ())})
    if not 2 <= len(styles) <= MOST or not model.takes(STYLE):
        return [], {}
    # Not a net that was trained to give pictures of both styles the same features.
    net = min(nets, key=lambda real: isinstance(real.net.encoder, DualEncoder))
    trained = torch.tensor([styles.index(str(value)) for value in train.columns[STYLE]])

    def found(images: Tensor) -> Tensor:
        return trained[nearest(net.net.features(images), net.train).index]

    def right(images: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([found(each) == styles.index(style) for style, each in images.items()])

    free = found(torch.cat([each.images for each in made.values()]))
    shares = torch.bincount(free, minlength=len(styles)).double() / len(free)
    drawn, real = dict[str, Tensor](), dict[str, Tensor]()
    for style in styles:
        pictures = model.of_captions(captions.held_out.captions, 1, seed, {STYLE: style})
        assert pictures is not None  # it drew them without a style
        drawn[style] = pictures
        rows = [row for row, value in enumerate(test.columns[STYLE]) if str(value) == style]
        if rows:
            real[style] = test.images[rows]
    floor = right(real).double().mean().item()
    figure = msgspec.structs.replace(mean_figure("style", right(drawn), net.net.name), floor=floor)
    return [figure], {"styles_seen": tuple(shares.tolist())}
