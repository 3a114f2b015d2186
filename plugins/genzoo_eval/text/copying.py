"""Composing told from copying: how near pictures of asked captions lie to training pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from genzoo_eval.distribution import NEAR
from genzoo_eval.metrics.neighbours import memorisation, nearer, nearest
from genzoo_eval.report import Figure
from genzoo_eval.text.captions import Captions, CaptionSet
from genzoo_eval.text.recall import over_captions
from genzoo_eval.text.spaces import Space


def copying_figures(
    made: Mapping[str, tuple[Tensor, Tensor]], captions: Captions, space: Space
) -> Iterator[Figure]:
    """Figures of what was made for captions, in one space.

    "Copied", of seen and of held-out captions: do pictures lie nearer to a training picture than
    nearly all test pictures do? What was drawn for a seen caption may well: its picture is to be
    learnt. What was drawn for a held-out one may not: whatever it repeats is the picture of
    another caption.
    "Nearer": how probably is a picture nearer to a training picture than a test picture is? It
    moves where "copied" cannot, because some test pictures all but equal a training picture.
    "Composed", of held-out captions: is a picture nearer to a real one of its caption, which the
    model never saw, than to all that it was trained on? Real pictures are held against the others
    of their caption: where a caption has one picture in each of two styles, against the one in the
    other style. To repeat is to have 0.

    Args:
        made: Images uint8 `[N, C, H, W]` by name of the set of captions, and which caption of the
            set each was made for, int64 `[N]`.
        captions: The sets.
        space: In which distances are measured.
    """
    for name, (images, asked) in made.items():
        places = space.place(images)
        trained = nearest(places, space.train).distance
        near = memorisation(trained, space.unseen, NEAR).threshold
        n = len(images)
        for key, shares, unseen in (
            ("copied", (trained < near).double(), NEAR),
            ("nearer", nearer(trained, space.unseen), 0.5),
        ):
            share = over_captions(shares, asked)
            yield Figure(f"{key}_{name}", share.value, space.net, unseen, share.spread, n)
        if name != "held_out":
            continue
        held = captions.held_out
        own = own_distances(places, asked, space.place(held.images), held)
        share = over_captions((own < trained).double(), asked)
        floor = composed_by_real(held, space)
        yield Figure("composed", share.value, space.net, floor, share.spread, n)


def composed_by_real(held: CaptionSet, space: Space) -> float | None:
    """The share of real pictures that are nearer to another one of their caption than to all
    training pictures; None where no caption has two."""
    places = space.place(held.images)
    itself = torch.eye(len(places), dtype=torch.bool)
    own = own_distances(places, held.owners, places, held, itself)
    there = own.isfinite()
    if not there.any():
        return None
    composed = own[there] < nearest(places[there], space.train).distance
    return over_captions(composed.double(), held.owners[there]).value


def own_distances(
    places: Tensor, asked: Tensor, real: Tensor, held: CaptionSet, left_out: Tensor | None = None
) -> Tensor:
    """Distance of each picture from the nearest real one of its caption, `[N]`, float64; infinity
    where there is none.

    Args:
        places: Where the pictures lie, `[N, D]`.
        asked: Which caption each was made for, int64 `[N]`.
        real: Where the real pictures of the captions lie, `[R, D]`.
        held: The captions.
        left_out: Pairs that do not count, bool `[N, R]`.
    """
    counts = asked[:, None] == held.owners
    if left_out is not None:
        counts &= ~left_out
    # To be compared with exact distances: not by way of products.
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(places.double(), real.double(), compute_mode=exact)
    return distances.masked_fill(~counts, torch.inf).amin(1)
