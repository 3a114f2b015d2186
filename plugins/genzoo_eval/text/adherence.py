"""Does a model obey? What pictures of asked captions show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from genzoo_core.zoo import Zoo
from genzoo_eval.distribution import mean_figure
from genzoo_eval.reference import Reference, Tell
from genzoo_eval.report import Figure
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages, reads_words
from genzoo_eval.text.captions import Captions, of_rarer_kinds, read_captions
from genzoo_eval.text.copying import copying_figures
from genzoo_eval.text.judge import Judge, judge_of
from genzoo_eval.text.recall import over_captions, recall_at
from genzoo_eval.text.spaces import spaces
from genzoo_eval.text.styles import (
    STYLE,
    by_style,
    nearest_styles,
    style_net,
    styles_of,
    styles_right,
)

Tables = dict[str, tuple[float, ...]]

MANY = 10
KS = (1, MANY)

EACH = 8
"""Most pictures of a caption: what chance adds to a caption's share is then an eighth of what it
is for one picture, and small beside what captions differ by."""


def each_of(n: int, captions: Captions) -> int:
    """Pictures of each caption where about `n` are made in all, from 1 to `EACH`."""
    asked = len(captions.seen.captions) + len(captions.held_out.captions)
    return max(1, min(EACH, n // asked))


def adherence_figures(
    zoo: Zoo,
    images: ModelImages,
    reference: Reference,
    data: Path | None,
    settings: Settings,
    tell: Tell,
) -> tuple[list[Figure], Tables]:
    """`caption_figures` of a model; nothing where its prompt is no text, or no net reads captions.

    Args:
        zoo: Reads the data.
        images: The model.
        reference: The dataset, as the feature nets see it.
        data: Folder that holds the dataset; None for the Hub.
        settings: How many pictures, from which seed.
        tell: Told what takes a while.

    Raises:
        DataError: The dataset cannot be read, or holds no caption out.
    """
    judge = judge_of(tuple(real.net for real in reference.nets))
    if judge is None or not reads_words(images.model.conditioners):
        return [], {}
    tell(f"reading the captions of {reference.dataset}")
    captions = read_captions(zoo, reference.dataset, data, judge.column)
    return caption_figures(images, reference, captions, judge, settings.n, settings.seed, tell)


def caption_figures(
    model: ModelImages,
    reference: Reference,
    captions: Captions,
    judge: Judge,
    n: int,
    seed: int,
    tell: Tell,
) -> tuple[list[Figure], Tables]:
    """Recall of asked captions, copies, and styles; nothing for what has nothing to sample from.

    Recall is among the captions of the same set; of the seen ones, those of rarer kinds are told
    besides (see `of_rarer_kinds`). Its floor is that of the set's real pictures:
    the most that can be expected. Those of the seen captions the judge was trained on itself.

    Args:
        model: What draws the pictures.
        reference: The dataset, as the feature nets see it.
        captions: What is asked for.
        judge: Tells whether a picture shows it.
        n: Pictures in all, about.
        seed: Of the first picture of either set.
        tell: Told what takes a while.
    """
    each = each_of(n, captions)
    made: dict[str, tuple[Tensor, Tensor]] = {}
    for name, of in captions.by_name.items():
        pictures = model.of_captions(of.captions, each, seed)
        if pictures is None:
            return [], {}
        made[name] = pictures, torch.arange(len(of.captions)).repeat_interleave(each)
    tell("comparing with what was asked for")
    figures = list(_recall(made, captions, judge))
    for space in spaces(reference, captions.train.images):
        figures += copying_figures(made, captions, space)
    styled, tables = _styles(model, made, reference, captions, seed)
    return [*figures, *styled], tables


def _recall(
    made: dict[str, tuple[Tensor, Tensor]], captions: Captions, judge: Judge
) -> Iterator[Figure]:
    for name, of in captions.by_name.items():
        pictures, asked = made[name]
        found = judge.similarities(pictures, of.captions)
        real = judge.similarities(of.images, of.captions)
        for k in KS:
            share = over_captions(recall_at(k, found, asked), asked)
            ceiling = over_captions(recall_at(k, real, of.owners), of.owners)
            yield Figure(
                f"r{k}_{name}", share.value, judge.name, ceiling.value, share.spread, len(pictures)
            )
        rarer = of_rarer_kinds(captions, judge.column) if name == "seen" else None
        if rarer is not None:
            drawn, owned = rarer[asked], rarer[of.owners]
            share = over_captions(recall_at(MANY, found, asked)[drawn], asked[drawn])
            ceiling = over_captions(recall_at(MANY, real, of.owners)[owned], of.owners[owned])
            yield Figure(
                f"r{MANY}_rarer",
                share.value,
                judge.name,
                ceiling.value,
                share.spread,
                int(drawn.sum()),
            )


def _styles(
    model: ModelImages,
    made: dict[str, tuple[Tensor, Tensor]],
    reference: Reference,
    captions: Captions,
    seed: int,
) -> tuple[list[Figure], Tables]:
    """Whether an asked style is drawn, and which styles are drawn where none was asked."""
    train = captions.train
    styles = styles_of(train)
    if not styles or not model.takes(STYLE):
        return [], {}
    net = style_net(reference.nets)
    unasked = nearest_styles(torch.cat([pictures for pictures, _ in made.values()]), net, train)
    shares = torch.bincount(unasked, minlength=len(styles)).double() / len(unasked)
    asked = {}
    for style in styles:
        drawn = model.of_captions(captions.held_out.captions, 1, seed, {STYLE: style})
        assert drawn is not None  # it drew them without a style
        asked[style] = drawn
    obeyed = mean_figure("style", styles_right(asked, net, train), net.net.name)
    ceiling = styles_right(by_style(captions.test, styles), net, train).double().mean().item()
    return [msgspec.structs.replace(obeyed, floor=ceiling)], {"styles_seen": tuple(shares.tolist())}
