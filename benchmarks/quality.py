"""How close are generated digits to real ones? Fréchet distances in a classifier's features.

    python benchmarks/quality.py --data DIR [--json figures.json] [MODEL[:KEY=VALUE] …]

Trains a small classifier on the training images (once; it is kept in runs/), generates 10,000
images of each model, rounds them to uint8 and compares them with the 10,000 test images. The
floor is the same distance for 10,000 random training images, the mean of five draws. No model
is trained against this classifier.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import genzoo
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.recipe import DataRecipe
from genzoo_train.data import load

MODELS = (
    "vae-mnist",
    "vae-mnist:prior=standard-normal",
    "ae-mnist",
    "ae-mnist:prior=standard-normal",
    "vae-mlp-mnist",
    "ae-mlp-mnist:prior=standard-normal",
)
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


def train_classifier(images: Tensor, labels: Tensor, seed: int = 0, epochs: int = 5) -> Classifier:
    """Fit a classifier to uint8 images `[N, 1, 28, 28]` shifted by up to two pixels."""
    torch.manual_seed(seed)
    net = Classifier()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    steps = epochs * (len(images) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        rows = torch.randint(len(images), (128,))
        dy, dx = torch.randint(-2, 3, (2,)).tolist()
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
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * roots)


def generate(reference: str) -> Tensor:
    """10,000 pictures of `MODEL[:KEY=VALUE]`, uint8."""
    name, _, setting = reference.partition(":")
    options = dict([setting.split("=")]) if setting else None
    return to_uint8(genzoo.generate(name, n=N, seed=0, options=options, batch=500).images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--data", type=Path, default=os.environ.get("GENZOO_DATA"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    recipe = DataRecipe("mnist", (1, 28, 28), hub="ylecun/mnist")
    train = load(recipe, arguments.data)
    test = load(DataRecipe("mnist", (1, 28, 28), hub="ylecun/mnist", split="test"), arguments.data)
    kept = Path("runs/classifier-mnist.safetensors")
    if kept.exists():
        net = Classifier().eval()
        net.load_state_dict(load_file(kept))
    else:
        net = train_classifier(train.images, torch.tensor(train.columns["label"]))
        kept.parent.mkdir(exist_ok=True)
        save_file(net.state_dict(), kept)
    right = run(net, test.images).argmax(1) == torch.tensor(test.columns["label"])
    accuracy = right.float().mean()

    real = run(net.features, test.images)
    draws = []
    for seed in range(5):
        rows = torch.randperm(len(train.images), generator=torch.Generator().manual_seed(seed))[:N]
        draws.append(frechet(run(net.features, train.images[rows]), real))
    floor = sum(draws) / len(draws)
    print(f"classifier: {accuracy:.2%} of test digits right; floor {floor:.4f} (n = {N})")

    figures = {"accuracy": float(accuracy), "floor": floor, "n": N, "models": {}}
    for model in arguments.models:
        images = generate(model)
        distance = frechet(run(net.features, images), real)
        shares = torch.bincount(run(net, images).argmax(1), minlength=10) / len(images)
        imbalance = float((shares - 0.1).abs().sum() / 2)
        figures["models"][model] = {"fd": distance, "ratio": distance / floor, "tv": imbalance}
        print(
            f"{model:40} FD {distance:9.3f}  {distance / floor:8.1f}x floor  "
            f"class imbalance {imbalance:.3f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
