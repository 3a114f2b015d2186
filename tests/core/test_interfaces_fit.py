"""The interfaces fit every family that is coming: tiny ones train, sample, save and load.

All go through the one training loop and the one model file, unconditional and with a label.
The models are those of `tests/third_party`, written as a third party would.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors import safe_open

import genzoo
from genzoo_core import Dataset, GenerativeModel, ModelSpec, Opened, Recipe, SampleRng
from genzoo_core.zoo import Zoo
from genzoo_train.training import train

N = 48
LABELS = [i % 3 for i in range(N)]
STYLES = [i % 2 for i in range(N)]


def noisy(component: str, prediction: str) -> dict[str, Any]:
    return {
        "noiser": {"component": f"genzoo-tiny/{component}", "config": {"prediction": prediction}}
    }


CASES: dict[str, dict[str, Any]] = {
    "autoencoder": {"component": "tiny-autoencoder", "stages": ["copy"]},
    "vae": {"component": "tiny-vae", "stages": ["training"]},
    "two-stage-vae": {"component": "two-stage-vae", "stages": ["first", "second"]},
    "gan": {"component": "tiny-gan", "stages": ["game"]},
    "diffusion-eps": {"component": "tiny-diffusion", "config": noisy("circle", "eps")},
    "diffusion-x0": {"component": "tiny-diffusion", "config": noisy("circle", "x0")},
    "diffusion-v": {"component": "tiny-diffusion", "config": noisy("circle", "v")},
    "flow": {"component": "tiny-diffusion", "config": noisy("line", "flow")},
    "latent-diffusion": {
        "component": "tiny-diffusion",
        "config": noisy("line", "flow") | {"on": "latents"},
        "parts": {"codec": {"model": "genzoo-tiny/tiny-codec"}},
    },
}


def labels(column: str, classes: int) -> dict[str, Any]:
    return {
        "component": "genzoo-tiny/labels",
        "column": column,
        "config": {"classes": classes},
        "drop": 0.2,
    }


CONDITIONERS: dict[str, dict[str, Any]] = {
    "unconditional": {},
    "label": {"label": labels("label", 3)},
    "label and style": {"label": labels("label", 3), "style": labels("style", 2)},
}


def recipe_of(case: str, conditioners: str) -> Recipe:
    described = dict(CASES[case])
    stages = described.pop("stages", ["denoise"])
    described["component"] = f"genzoo-tiny/{described['component']}"
    described["conditioners"] = CONDITIONERS[conditioners]
    return msgspec.convert(
        {
            "name": "mine",
            "card": {"family": "tiny", "summary": "A test."},
            "data": {"name": "blobs", "shape": [1, 8, 8]},
            "model": described,
            "weights_dtype": "float32",
            "stages": [{"name": name, "steps": 40, "batch_size": 16} for name in stages],
            "report": {"sample_every": 20, "samples": 4},
        },
        Recipe,
    )


def blobs() -> Dataset:
    """48 grey 8×8 pictures: a bright row, whose place is the label, on the style's ground."""
    images = torch.zeros(N, 1, 8, 8, dtype=torch.uint8)
    for i, (label, style) in enumerate(zip(LABELS, STYLES, strict=True)):
        images[i] = 40 * style
        images[i, :, 2 * label + 1] = 255
    return Dataset(images, {"label": LABELS, "style": STYLES})


@pytest.fixture
def zoo(third_party: Path) -> Zoo:
    return genzoo.open_zoo()


def sample(built: Opened, seeds: list[int], rows: dict[str, torch.Tensor]) -> torch.Tensor:
    model = built.module
    assert isinstance(model, GenerativeModel)
    with torch.inference_mode():
        return model.sample(SampleRng(seeds), rows, model.Options())


def header_of(weights: Path) -> tuple[list[str], ModelSpec]:
    """The names of the tensors in a model file, and what it says of its model."""
    with safe_open(weights, "pt") as file:
        return list(file.keys()), msgspec.json.decode(file.metadata()["model"], type=ModelSpec)


@pytest.mark.parametrize("conditioners", CONDITIONERS)
@pytest.mark.parametrize("case", CASES)
def test_a_family_trains_samples_saves_and_loads(
    case: str, conditioners: str, zoo: Zoo, tmp_path: Path
) -> None:
    recipe = recipe_of(case, conditioners)
    weights = train(zoo, recipe, blobs(), tmp_path / "run")

    loaded = zoo.open(str(weights))
    model = loaded.module
    assert isinstance(model, GenerativeModel)
    assert not model.training
    assert list(model.conditioners) == list(CONDITIONERS[conditioners])

    # Image i is the same at batch 1 and at batch 4.
    rows = {
        name: conditioner.prepare([0, 1, 1, 0], SampleRng([1, 2, 3, 4]))
        for name, conditioner in model.conditioners.items()
    }
    seeds = [7, 8, 9, 10]
    together = sample(loaded, seeds, rows)
    assert together.shape == (4, 1, 8, 8)
    assert together.abs().max() <= 1
    for i, seed in enumerate(seeds):
        alone = sample(loaded, [seed], {name: row[i : i + 1] for name, row in rows.items()})
        error = (alone[0] - together[i]).norm() / together[i].norm()
        assert error <= 1e-4
    assert (together[0] - together[1]).abs().max() > 1e-3

    # Nothing asked is null, and what is asked makes a difference.
    null = {name: c.null(4) for name, c in model.conditioners.items()}
    torch.testing.assert_close(sample(loaded, seeds, {}), sample(loaded, seeds, null))
    if rows:
        other = {name: 1 - row for name, row in rows.items()}
        assert (sample(loaded, seeds, other) - together).abs().max() > 1e-3

    # What only training needs, and what belongs to a shared part, is not in the file.
    names = set(header_of(weights)[0])
    assert names == set(loaded.own_tensors())
    assert not any("discriminator" in name for name in names)
    assert not any(name.startswith("codec.") for name in names) or case != "latent-diffusion"


def test_training_learns_what_the_label_means(zoo: Zoo, tmp_path: Path) -> None:
    recipe = recipe_of("flow", "label")
    stage = msgspec.structs.replace(recipe.stages[0], steps=1500)
    recipe = msgspec.structs.replace(recipe, stages=(stage,))
    loaded = zoo.open(str(train(zoo, recipe, blobs(), tmp_path / "run")))
    for label in range(3):
        asked = {"label": torch.full((8,), label)}
        rows = sample(loaded, list(range(8)), asked).mean((0, 1, 3))
        assert rows.argmax() == 2 * label + 1


def test_the_shared_part_is_referenced_by_hash_and_left_alone(zoo: Zoo, tmp_path: Path) -> None:
    before = {k: v.clone() for k, v in zoo.open("tiny-codec").own_tensors().items()}
    weights = train(zoo, recipe_of("latent-diffusion", "label"), blobs(), tmp_path / "run")
    part = header_of(weights)[1].parts["codec"]
    assert part.model == "genzoo-tiny/tiny-codec"
    assert part.sha256 == zoo.card("tiny-codec").sha256
    loaded = zoo.open(str(weights))
    for name, tensor in Opened(loaded.parts["codec"], loaded.spec).own_tensors().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_the_two_phases_of_a_gan_are_disjoint(zoo: Zoo) -> None:
    recipe = recipe_of("gan", "label")
    spec = msgspec.convert(
        {
            "component": recipe.model.component,
            "conditioners": {
                name: msgspec.to_builtins(c.spec()) for name, c in recipe.model.conditioners.items()
            },
        },
        type(zoo.open("tiny-codec").spec),
    )
    model = zoo.build(spec, training=True).module
    assert isinstance(model, GenerativeModel)
    discriminator, generator = model.stages()[0].phases
    ids = [{id(p) for p in phase.parameters} for phase in (discriminator, generator)]
    assert not ids[0] & ids[1]
    assert ids[0] | ids[1] == {id(p) for p in model.parameters()}
