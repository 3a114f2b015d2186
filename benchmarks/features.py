"""How good are the feature nets? What they know, and which harm to pictures they notice.

    python benchmarks/features.py mnist --data DIR [--json features.json]

Of the classifier the share of test images that it classifies right; of both nets the share that
their five nearest training images in feature space classify right. Then the Fréchet distance to
the 10,000 test images of 10,000 random training images, the mean of five draws (the floor), and
of such images that were harmed, in multiples of the floor: a net is of use for what lies clearly
above 1.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

import genzoo
from genzoo_core import Dataset, Encoder, Zoo
from genzoo_core.images import from_uint8, to_uint8
from genzoo_eval.nets.classifier import Classifier

NETS = {
    name: (f"features-{short}-classifier", f"features-{short}-self-supervised")
    for name, short in (("mnist", "mnist"), ("fashion_mnist", "fashion"))
}
N = 10_000
DRAWS = 5
Harm = Callable[[Tensor, Tensor, torch.Generator], Tensor]


@torch.inference_mode()
def in_parts(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """A function of float images, for uint8 ones, in batches."""
    return torch.cat([function(from_uint8(part)) for part in torch.split(images, 500)])


def frechet(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of the normals fitted to two sets of features (Heusel et al. 2017)."""
    a, b = a.double(), b.double()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * cross)


def neighbours_right(train: Tensor, test: Tensor, known: Tensor, wanted: Tensor) -> float:
    """Share of test rows whose five nearest training rows elect the right label."""
    right = 0
    for part, labels in zip(torch.split(test, 500), torch.split(wanted, 500), strict=True):
        nearest = torch.cdist(part, train).topk(5, largest=False).indices
        right += int((known[nearest].mode(1).values == labels).sum())
    return right / len(test)


def draw(rows: Tensor, generator: torch.Generator) -> Tensor:
    """N of these rows, with repetition."""
    return rows[torch.randint(len(rows), (N,), generator=generator)]


def blur(images: Tensor, sigma: float) -> Tensor:
    """Images convolved with a Gaussian of `sigma` pixels."""
    line = torch.exp(-0.5 * (torch.arange(-3, 4) / sigma).square())
    kernel = (line[:, None] * line / line.sum() ** 2)[None, None]
    return to_uint8(F.conv2d(F.pad(from_uint8(images), (3, 3, 3, 3), value=-1), kernel))


def noise(images: Tensor, std: float, generator: torch.Generator) -> Tensor:
    """Images with normal noise of `std` grey levels."""
    added = torch.randn(images.shape, generator=generator) * std
    return (images + added).round().clamp(0, 255).to(torch.uint8)


def patch(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Images with a black square somewhere in their middle."""
    harmed = images.clone()
    corners = torch.randint(5, 23 - side, (len(images), 2), generator=generator)
    for image, (top, left) in zip(harmed, corners.tolist(), strict=True):
        image[:, top : top + side, left : left + side] = 0
    return harmed


def bright_half(images: Tensor, labels: Tensor) -> Tensor:
    """Which images are brighter than the median of their class, bool `[N]`."""
    level = images.float().mean((1, 2, 3))
    medians = torch.stack([level[labels == label].median() for label in range(10)])
    return level > medians[labels]


def rare(images: Tensor, labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Images of which the class 3 has only a share; others fill its place."""
    keep = (labels != 3) | (torch.rand(len(labels), generator=generator) < share)
    return images[draw(keep.nonzero()[:, 0], generator)]


HARMS: dict[str, Harm] = {
    "one pixel to the right": lambda x, y, g: x.roll(1, 3),
    "two pixels to the right": lambda x, y, g: x.roll(2, 3),
    "blurred, 0.5 pixels": lambda x, y, g: blur(x, 0.5),
    "blurred, 1 pixel": lambda x, y, g: blur(x, 1.0),
    "noise of 10 grey levels": lambda x, y, g: noise(x, 10, g),
    "noise of 30 grey levels": lambda x, y, g: noise(x, 30, g),
    "a black square of 5 pixels": lambda x, y, g: patch(x, 5, g),
    "class 3 half as frequent": lambda x, y, g: rare(x, y, 0.5, g),
    "class 3 missing": lambda x, y, g: rare(x, y, 0.0, g),
    "the brighter half of each class": lambda x, y, g: x[
        draw(bright_half(x, y).nonzero()[:, 0], g)
    ],
    "100 images, again and again": lambda x, y, g: x[draw(torch.arange(100), g)],
}


def read(zoo: Zoo, net: str, split: str, folder: Path | None) -> Dataset:
    """A split of the dataset that a net was trained on."""
    from msgspec.structs import replace

    return zoo.dataset(replace(zoo.recipe(net).data, split=split), folder)


def measure(zoo: Zoo, name: str, train: Dataset, test: Dataset) -> dict[str, dict[str, float]]:
    """All figures of one net, by group and name."""
    net = cast(Encoder, zoo.open(name).module)
    known, wanted = (torch.tensor(data.columns["label"]) for data in (train, test))

    def features(images: Tensor) -> Tensor:
        return in_parts(lambda x: net.encode(x).mean, images)

    seen, real = features(train.images), features(test.images)
    accuracy = {"5-NN accuracy": neighbours_right(seen, real, known, wanted)}
    if isinstance(net, Classifier):
        guesses = in_parts(net.logits, test.images).argmax(1)
        accuracy["accuracy"] = float((guesses == wanted).double().mean())
    draws = [
        torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))[:N]
        for seed in range(DRAWS)
    ]
    floors = torch.tensor([frechet(seen[rows], real) for rows in draws])
    floor = {"mean": float(floors.mean()), "std": float(floors.std())}
    images, labels = train.images[draws[0]], known[draws[0]]
    harms = {
        what: frechet(features(harm(images, labels, torch.Generator().manual_seed(0))), real)
        / floor["mean"]
        for what, harm in HARMS.items()
    }
    return {"accuracy": accuracy, "floor": floor, "harms": harms}


def card_metrics(dataset: str, accuracy: dict[str, float]) -> list[dict[str, object]]:
    """What is measured of a net as its card says it."""
    command = f"python benchmarks/features.py {dataset} --data DIR"
    return [
        {
            "name": f"{what} on the test images",
            "value": round(100 * share, 2),
            "unit": "%",
            "n": N,
            "command": command,
        }
        for what, share in sorted(accuracy.items(), reverse=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=NETS)
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folder = None if arguments.data is None else Path(arguments.data)
    zoo = genzoo.open_zoo()
    nets = NETS[arguments.dataset]
    train, test = (read(zoo, nets[0], split, folder) for split in ("train", "test"))
    found = {net: measure(zoo, net, train, test) for net in nets}
    print(f"{arguments.dataset:34}", *(f"{net.split('-', 2)[2]:>16}" for net in nets))
    for what in ("accuracy", "5-NN accuracy"):
        shares = [found[net]["accuracy"].get(what) for net in nets]
        print(f"{what:34}", *(f"{'' if x is None else f'{x:.2%}':>16}" for x in shares))
    floors = ["{mean:.4f} ± {std:.4f}".format(**found[net]["floor"]) for net in nets]
    print(f"{'floor':34}", *(f"{floor:>16}" for floor in floors))
    for what in HARMS:
        print(f"{what:34}", *(f"{found[net]['harms'][what]:15.1f}×" for net in nets))
    if arguments.json:
        metrics = {net: card_metrics(arguments.dataset, found[net]["accuracy"]) for net in nets}
        report = {"n": N, "nets": found, "metrics": metrics}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
