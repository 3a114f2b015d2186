"""Adherence to prompts: what pictures of captions show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import Measured
from genzoo_eval.reference import Reference, Tell
from genzoo_eval.report import Figure
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages, reads_words
from genzoo_eval.text.captions import Captions, CaptionSet, of_rarer_kinds, read_captions
from genzoo_eval.text.copying import copying_figures, spaces
from genzoo_eval.text.judge import Judge, judge_of
from genzoo_eval.text.recall import over_captions, recall_at
from genzoo_eval.text.styles import Tables, style_figures

MANY = 10
KS = (1, MANY)

EACH = 8
"""Most pictures of a caption: what chance adds to a caption's share is then an eighth of what it
is for one picture, and small beside what captions differ by."""


def each_of(n: int, captions: Captions) -> int:
    """Pictures of each caption where about `n` are made in all, from 1 to `EACH`."""
    count = sum(len(of.captions) for of in captions.by_name.values())
    return max(1, min(EACH, n // count))


def adherence_figures(
    zoo: Zoo,
    images: ModelImages,
    reference: Reference,
    dataset: Measured,
    data: Path | None,
    settings: Settings,
    tell: Tell,
) -> tuple[list[Figure], Tables]:
    """`caption_figures` of a model; nothing where its prompt is no text, or no net reads captions.

    Raises:
        DataError: The dataset cannot be read, or holds no caption out.
    """
    judge = judge_of([real.net for real in reference.nets])
    if judge is None or not reads_words(images.model.conditioners):
        return [], {}
    tell(f"reading the captions of {reference.dataset}")
    captions = read_captions(zoo, dataset, data, judge.column)
    return caption_figures(images, reference, captions, judge, settings, tell)


def caption_figures(
    model: ModelImages,
    reference: Reference,
    captions: Captions,
    judge: Judge,
    settings: Settings,
    tell: Tell,
) -> tuple[list[Figure], Tables]:
    """Recall of captions, copies, and styles; nothing for a model with nothing to sample from.

    Recall is among the captions of the same set, and once more of the seen captions of rarer kinds
    (see `of_rarer_kinds`). Its floor is that of the set's real pictures, which is the most that can
    be expected; those of the seen captions the judge was trained on itself.
    """
    each = each_of(settings.n, captions)
    made: dict[str, CaptionSet] = {}
    for name, real in captions.by_name.items():
        pictures = model.of_captions(real.captions, each, settings.seed)
        if pictures is None:
            return [], {}
        owners = torch.arange(len(real.captions)).repeat_interleave(each)
        made[name] = CaptionSet(real.captions, pictures, owners)
    tell("comparing with the captions")
    figures = list(_recall(made, captions, judge))
    for space in spaces(reference, captions.train.images):
        figures += copying_figures(made, captions, space)
    styled, tables = style_figures(model, made, reference.nets, captions, settings.seed)
    return [*figures, *styled], tables


def _recall(made: Mapping[str, CaptionSet], captions: Captions, judge: Judge) -> Iterator[Figure]:
    for name, real in captions.by_name.items():
        drawn = made[name]
        near = [judge.similarities(each.images, each.captions) for each in (drawn, real)]
        every = torch.ones(len(real.captions), dtype=torch.bool)
        counted = [(f"r{k}_{name}", k, every) for k in KS]
        rarer = of_rarer_kinds(captions, judge.column) if name == "seen" else None
        if rarer is not None:
            counted.append((f"r{MANY}_rarer", MANY, rarer))
        for key, k, these in counted:
            shares = []
            for found, each in zip(near, (drawn, real), strict=True):
                rows = these[each.owners]
                recalled = recall_at(k, found, each.owners)[rows]
                shares.append(over_captions(recalled, each.owners[rows]))
            share, ceiling = shares
            n = int(these[drawn.owners].sum())
            yield Figure(key, share.value, judge.name, ceiling.value, share.spread, n)
