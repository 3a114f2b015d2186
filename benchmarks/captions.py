"""How good are the feature nets of emoji? What they know of pictures that they never saw.

    python benchmarks/captions.py features-emoji-dual --data DIR

Of a dual encoder R@1 and R@10 of real pictures: how often a picture's caption is among the first
that it finds, among the captions held out of the training data and among as many of it. Of any net
the share of test images whose five nearest training images in feature space elect the right
category, and the share whose nearest one is drawn in the same style.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, cast

import torch

import genzoo
from genzoo_core import Encoder, Zoo
from genzoo_core.dataset import Dataset
from genzoo_core.recipe import DataRecipe
from genzoo_eval.frozen_net import FrozenNet
from genzoo_eval.text.captions import choose
from genzoo_eval.text.judge import judge_of
from genzoo_eval.text.recall import over_captions, recall_at


def neighbours_right(net: FrozenNet, train: Dataset, test: Dataset, column: str, k: int) -> float:
    """Share of test images whose `k` nearest training images elect the right value."""
    names = sorted({str(value) for value in train.columns[column]})
    known, wanted = (
        torch.tensor([names.index(str(value)) for value in data.columns[column]])
        for data in (train, test)
    )
    distances = torch.cdist(net.features(test.images), net.features(train.images))
    elected = known[distances.topk(k, largest=False).indices].mode(1).values
    return (elected == wanted).double().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("net", help="A feature net of emoji, or the path of its file.")
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--json", type=Path, help="A file for `tools/figures.py --nets`.")
    given = parser.parse_args()
    zoo: Zoo = genzoo.open_zoo()
    card = zoo.card(given.net)
    net = FrozenNet(card.name, card.sha256, cast(Encoder, zoo.open(given.net).module))
    assert card.shape is not None  # a feature net's card says it
    train, test = (
        zoo.dataset(DataRecipe(card.dataset, card.shape, split=split), given.data)
        for split in ("train", "test")
    )
    metrics: list[dict[str, Any]] = []
    command = f"python benchmarks/captions.py {card.name.rpartition('/')[2]} --data DIR"

    def note(name: str, share: float, n: int) -> None:
        print(f"{name}: {100 * share:.1f} %")
        value = round(100 * share, 1)
        metrics.append({"name": name, "value": value, "unit": "%", "n": n, "command": command})

    judge = judge_of((net,))
    if judge is not None:
        captions = choose(test, train, judge.column)
        for name, of in captions.by_name.items():
            similarities = judge.similarities(of.images, of.captions)
            for k in (1, 10):
                found = over_captions(recall_at(k, similarities, of.owners), of.owners).value
                among = f"among {len(of.captions)} {name.replace('_', '-')} captions"
                note(f"R@{k} of real images {among}", found, len(of.images))
    for column, k in (("category", 5), ("style", 1)):
        share = neighbours_right(net, train, test, column, k)
        note(f"{column} by {k} nearest training images", share, len(test.images))
    if given.json is not None:
        given.json.write_text(
            json.dumps({"metrics": {net.name: metrics}}, indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
