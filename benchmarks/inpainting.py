"""How well does what a model makes fit to what stays? With and without passes (RePaint).

    python benchmarks/inpainting.py flow-mnist features-mnist-classifier --data DIR

The lower half of real test pictures is made anew, with what they show as the prompt, in about as
many evaluations of the network each time. What is measured: the Fréchet distance of the completed
pictures to the real ones, and the step at the seam, the mean absolute difference of the two rows of
pixels that meet there, beside that of the real pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

import msgspec
import torch
from torch import Tensor

import genzoo
from genzoo_core import Encoder, GenerativeModel, Inpainting, SampleRng, Start
from genzoo_core.images import from_uint8
from genzoo_eval.metrics.frechet import frechet_distance

BATCH = 250


def completed(
    model: Any, images: Tensor, mask: Tensor, asked: dict[str, Tensor], settings: dict[str, Any]
) -> tuple[Tensor, float]:
    """The pictures with a part made anew, and evaluations of the network for each."""
    evaluations = 0

    def count(_: object, inputs: tuple[Tensor, ...]) -> None:
        nonlocal evaluations
        evaluations += len(inputs[0])

    hook = model.network.register_forward_pre_hook(count)
    parts = []
    with torch.inference_mode():
        for first in range(0, len(images), BATCH):
            rows = slice(first, first + BATCH)
            start = Start(images[rows], 1.0, mask.expand(len(images[rows]), -1, -1, -1))
            rng = SampleRng(range(first, first + len(start.images)))
            prompts = {name: values[rows] for name, values in asked.items()}
            options = msgspec.convert(settings, model.Options)
            parts.append(model.sample(rng, prompts, options, start=start))
    hook.remove()
    return torch.where(mask, torch.cat(parts), images), evaluations / len(images)


def seam(images: Tensor) -> float:
    """Mean absolute difference of the two rows in the middle, of pixels in [-1, 1]."""
    middle = images.shape[2] // 2
    return float((images[:, :, middle] - images[:, :, middle - 1]).abs().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("net")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--cells", nargs="+", default=["10x1", "5x2", "3x4"], help="STEPSxPASSES")
    given = parser.parse_args()
    zoo = genzoo.open_zoo()
    model = zoo.open(given.model).module
    assert isinstance(model, Inpainting)
    recipe = zoo.recipe(given.model)
    test = zoo.dataset(msgspec.structs.replace(recipe.data, split="test"), given.data)
    images = from_uint8(test.images[: given.n])
    asked = {
        name: conditioner.prepare(
            list(test.columns[recipe.model.conditioners[name].column][: given.n]),
            SampleRng(range(len(images))),
        )
        for name, conditioner in cast(GenerativeModel[Any], model).conditioners.items()
    }
    mask = torch.zeros(1, 1, *images.shape[2:], dtype=torch.bool)
    mask[:, :, images.shape[2] // 2 :] = True
    net = cast(Encoder, zoo.open(given.net).module)

    def features(pictures: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.cat([net.encode(part).mode() for part in torch.split(pictures, BATCH)])

    real = features(images)
    print(f"{given.model}, {len(images)} pictures; the seam of real ones: {seam(images):.3f}")
    print("| steps | passes | evaluations | Fréchet distance | seam |")
    print("| --: | --: | --: | --: | --: |")
    for cell in given.cells:
        steps, passes = map(int, cell.split("x"))
        settings = {"steps": steps, "passes": passes}
        made, cost = completed(model, images, mask, asked, settings)
        distance = frechet_distance(features(made), real)
        print(
            f"| {steps} | {passes} | {cost:.0f} | {distance:.2f} | {seam(made):.3f} |", flush=True
        )


if __name__ == "__main__":
    main()
