"""How fast `genzoo train` is beside plain loops over the same network.

Three trainings of the tutorial's VAE (784-128-32, batch 128, one thread) in one process, in
turns, so that their ratios do not depend on the machine:

- genzoo: the recipe of `vae-mlp-mnist` with gradients clipped at 1.0;
- tight: a loop written by hand that does the same arithmetic;
- per item: the same, fed as in most tutorials, by a `DataLoader` that opens a picture at a time.

    python benchmarks/training.py [--data DIR] [--rounds 5] [--steps 400]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import genzoo
from genzoo_core import Dataset
from genzoo_core.images import from_uint8
from genzoo_core.recipe import ReportRecipe
from genzoo_core.training import Progress
from genzoo_core.zoo import Zoo
from genzoo_train.optimisation import MovingAverage
from genzoo_train.reporting import Reporter
from genzoo_train.training import train

RECIPE = Path(__file__).parent.parent / "plugins/genzoo_vae/recipes/vae-mlp-mnist.toml"
BATCH = 128
BARS = {"tight": 0.9, "per item": 3.0}


class PlainVAE(nn.Module):
    """The tutorial's VAE, written down once more."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(784, 128), nn.ReLU())
        self.mean, self.logvar = nn.Linear(128, 32), nn.Linear(128, 32)
        self.decoder = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 784))

    def loss(self, images: Tensor, generator: torch.Generator) -> Tensor:
        pixels = images.flatten(1)
        features = self.trunk(pixels)
        mean, logvar = self.mean(features), self.logvar(features)
        noise = torch.randn(mean.shape, generator=generator)
        decoded = self.decoder(mean + (logvar / 2).exp() * noise)
        error = 784 * nn.functional.mse_loss(decoded, pixels)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        loss: Tensor = error + kl
        return loss


class Pictures(torch.utils.data.Dataset[Tensor]):
    """One picture at a time, with the steps of torchvision's `MNIST`, `ToTensor`, `Normalize`."""

    def __init__(self, images: Tensor) -> None:
        self.images = images[:, 0]
        self.mean, self.std = torch.tensor([0.5]), torch.tensor([0.5])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        picture = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        pixels = pixels.view(picture.size[1], picture.size[0], 1).permute(2, 0, 1).contiguous()
        tensor = pixels.to(torch.float32).div(255).clone()
        return tensor.sub_(self.mean.view(-1, 1, 1)).div_(self.std.view(-1, 1, 1))


def tight_batches(images: Tensor, steps: int) -> Iterator[Tensor]:
    """Batches cut from one uint8 tensor."""
    order = torch.randperm(len(images))
    for step in range(steps):
        start = step * BATCH % (len(images) - BATCH)
        yield from_uint8(images.index_select(0, order[start : start + BATCH]))


def item_batches(images: Tensor, steps: int) -> Iterator[Tensor]:
    """Batches put together picture by picture."""
    loader = torch.utils.data.DataLoader(Pictures(images), BATCH, shuffle=True, drop_last=True)
    done = 0
    while True:
        for batch in loader:
            if done == steps:
                return
            done += 1
            yield batch


def plain(batches: Iterator[Tensor]) -> float:
    """Seconds that a hand-written loop over `batches` takes: clip, fused Adam, foreach EMA."""
    model = PlainVAE()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    average = MovingAverage(parameters, 50_000, BATCH)
    generator = torch.Generator().manual_seed(0)
    start = time.perf_counter()
    for step, images in enumerate(batches):
        loss = model.loss(images, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update(step)
    return time.perf_counter() - start


class Stopwatch(Reporter):
    """Times the stage: what comes before and after is not a step's."""

    seconds = 0.0
    _start = 0.0

    def stage(self, name: str, progress: Progress) -> None:
        self._start = time.perf_counter()

    def figures(self, progress: Progress, values: Mapping[str, float]) -> None:
        self.seconds = time.perf_counter() - self._start


def genzoos(zoo: Zoo, dataset: Dataset, steps: int) -> float:
    """Seconds that the steps of `genzoo train vae-mlp-mnist` take."""
    recipe = zoo.recipe(str(RECIPE))
    (stage,) = recipe.stages
    settings = {"elbo": msgspec.structs.replace(stage.phases["elbo"], clip=1.0)}
    stage = msgspec.structs.replace(stage, epochs=None, steps=steps, phases=settings)
    report = ReportRecipe(sample_every=0, checkpoint_every=steps + 1)
    recipe = msgspec.structs.replace(recipe, stages=(stage,), report=report)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        train(zoo, recipe, dataset, Path(folder) / "run", reporter=watch)
    return watch.seconds


def main() -> int:
    """Measure in turns, print the median images/s and the ratios, fail below a bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with MNIST; noise without")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400)
    given = parser.parse_args()
    torch.set_num_threads(1)
    zoo = genzoo.open_zoo()
    if given.data:
        dataset = zoo.dataset(zoo.recipe(str(RECIPE)).data, given.data)
    else:
        dataset = Dataset(torch.randint(0, 256, (20_000, 1, 28, 28), dtype=torch.uint8))
    images, steps = dataset.images, given.steps
    runs: dict[str, Callable[[], float]] = {
        "genzoo": lambda: genzoos(zoo, dataset, steps),
        "tight": lambda: plain(tight_batches(images, steps)),
        "per item": lambda: plain(item_batches(images, steps)),
    }
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds):
        for name, run in runs.items():
            speeds[name].append(steps * BATCH / run())
    ratios = {
        name: statistics.median(
            ours / theirs for ours, theirs in zip(speeds["genzoo"], speeds[name], strict=True)
        )
        for name in BARS
    }
    print(
        json.dumps(
            {
                "images/s": {name: round(statistics.median(s)) for name, s in speeds.items()},
                "genzoo / tight": round(ratios["tight"], 3),
                "genzoo / per item": round(ratios["per item"], 2),
            },
            indent=2,
        )
    )
    return int(any(ratios[name] < bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
