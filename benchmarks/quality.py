"""How close are generated pictures to real ones? Figures in the features of a classifier.

    python benchmarks/quality.py mnist --data DIR [--json figures.json] [MODEL[:KEY=VALUE] …]

Trains a small classifier on the training images (once; it is kept in runs/), generates 10,000
images of each model, rounds them to uint8 and compares them with the 10,000 test images: the
Fréchet distance in the classifier's features, beside its floor, which is that of 10,000 random
training images, the mean of five draws. Of a model with class labels also the share of 10,000
further images, as many for each class, in which the classifier sees the class that was asked
for. No model is trained against this classifier, or chosen by it.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import genzoo
from genzoo.datasets.reading import read_dataset
from genzoo_core import Dataset, NotFittedError
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.recipe import DataRecipe

HUB = {"mnist": "ylecun/mnist", "fashion_mnist": "zalando-datasets/fashion_mnist"}
SHIFT = {"mnist": 2, "fashion_mnist": 1}
N = 10_000


class Classifier(nn.Module):
    """Three convolutions and a 128-dimensional penultimate layer, whose output is the feature."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 49, 128),
            nn.ReLU(),
        )
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def train_classifier(images: Tensor, labels: Tensor, shift: int, epochs: int = 6) -> Classifier:
    """Fit a classifier to uint8 images `[N, 1, 28, 28]`, moved by up to `shift` pixels."""
    torch.manual_seed(0)
    net = Classifier()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    steps = epochs * (len(images) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        rows = torch.randint(len(images), (128,))
        dy, dx = torch.randint(-shift, shift + 1, (2,)).tolist()
        x = torch.roll(from_uint8(images[rows]), (dy, dx), (2, 3))
        loss = nn.functional.cross_entropy(net(x), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0:
            print(f"classifier: step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    return net.eval()


@torch.inference_mode()
def run(module: nn.Module, images: Tensor) -> Tensor:
    """The module's output for uint8 images, in batches."""
    return torch.cat([module(from_uint8(part)) for part in torch.split(images, 500)])


def frechet(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of the normals fitted to two sets of features (Heusel et al. 2017, eq. 6).

    The trace of the matrix root comes from the eigenvalues of the product of covariances, which
    are real and not negative.
    """
    a, b = a.double(), b.double()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp_min(0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * roots)


@dataclass(frozen=True)
class Judge:
    """A classifier, and what real images look like to it.

    Attributes:
        net: The classifier.
        real: Features of the test images.
        floor: Fréchet distance of as many training images.
        accuracy: Share of test images that it classifies right.
    """

    net: Classifier
    real: Tensor
    floor: float
    accuracy: float

    @classmethod
    def of(cls, name: str, folder: Path | None) -> Judge:
        """The judge of a dataset."""
        train, test = (read(name, split, folder) for split in ("train", "test"))
        labels = {id(data): torch.tensor(data.columns["label"]) for data in (train, test)}
        kept = Path("runs") / f"classifier-{name}.safetensors"
        if kept.exists():
            net = Classifier().eval()
            net.load_state_dict(load_file(kept))
        else:
            net = train_classifier(train.images, labels[id(train)], SHIFT[name])
            kept.parent.mkdir(exist_ok=True)
            save_file(net.state_dict(), kept)
        real = run(net.features, test.images)
        draws = []
        for seed in range(5):
            generator = torch.Generator().manual_seed(seed)
            rows = torch.randperm(len(train.images), generator=generator)[:N]
            draws.append(frechet(run(net.features, train.images[rows]), real))
        right = run(net, test.images).argmax(1) == labels[id(test)]
        return cls(net, real, sum(draws) / len(draws), right.float().mean().item())

    def figures(self, reference: str) -> dict[str, float]:
        """What is measured of `MODEL[:KEY=VALUE]`."""
        name, _, setting = reference.partition(":")
        options = dict([setting.split("=")]) if setting else None
        images = pictures(name, (), N, options)
        distance = frechet(run(self.net.features, images), self.real)
        shares = torch.bincount(run(self.net, images).argmax(1), minlength=10) / N
        found = {
            "fd": distance,
            "fd/floor": distance / self.floor,
            "class imbalance": float((shares - 0.1).abs().max()),
        }
        if genzoo.card(name).conditioners:
            images = pictures(name, tuple(str(i) for i in range(10)), N // 10, options)
            seen = run(self.net, images).argmax(1)
            asked = torch.arange(10).repeat_interleave(N // 10)
            found["accuracy"] = float((seen == asked).float().mean())
        return found


def read(name: str, split: str, folder: Path | None) -> Dataset:
    """A split of a dataset."""
    recipe = DataRecipe(name, (1, 28, 28), hub=HUB[name], split=split, background=0)
    return read_dataset(recipe, folder)


def pictures(name: str, prompts: tuple[str, ...], n: int, options: dict[str, str] | None) -> Tensor:
    """uint8 pictures of a model, from seed 0 on."""
    made = genzoo.generate(name, prompts, n=n, seed=0, options=options, batch=250)
    return to_uint8(made.images)


def default_models(dataset: str) -> list[str]:
    """The dataset's models; those without a density of their own from N(0, I)."""
    names = []
    for name in genzoo.list_models(kind="model"):
        if genzoo.card(name).dataset != dataset:
            continue
        try:
            genzoo.generate(name, n=1, seed=0)
            names.append(name)
        except NotFittedError:
            names.append(f"{name}:prior=standard-normal")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=HUB)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_intermixed_args()
    folder = None if arguments.data is None else Path(arguments.data)
    judge = Judge.of(arguments.dataset, folder)
    print(f"classifier: {judge.accuracy:.2%} of the test images right; floor {judge.floor:.3f}")
    report = {"accuracy": judge.accuracy, "floor": judge.floor, "n": N, "models": {}}
    for model in arguments.models or default_models(arguments.dataset):
        found = judge.figures(model)
        report["models"][model] = found
        print(f"{model:36}", *(f"{k} {v:.3f}" for k, v in found.items()), sep="  ", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
