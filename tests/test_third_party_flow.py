"""A family that genzoo does not have, as docs/families.md writes it: a normalising flow.

It is installed as a package, trained, and holds what its mathematics promise.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

import genzoo
from genzoo.cli import main
from genzoo_core import Dataset, GenerativeModel, Recipe
from genzoo_train.training import train

FLOW = Path(__file__).parent / "third_party" / "my-flow"
SHAPE = (1, 8, 8)
RECIPE = {
    "name": "rows",
    "card": {"family": "normalizing-flow", "summary": "Bright rows."},
    "data": {"name": "rows", "shape": SHAPE},
    "model": {
        "component": "my-flow/my-flow",
        "config": {"shape": SHAPE, "couplings": 4, "hidden": 64},
        "conditioners": {
            "label": {
                "component": "genzoo/class-labels",
                "column": "label",
                "config": {"classes": ["top", "middle", "bottom"]},
                "drop": 0.1,
            }
        },
    },
    "stages": [
        {
            "name": "likelihood",
            "steps": 300,
            "batch_size": 32,
            "phases": {"likelihood": {"lr": 3e-3}},
        }
    ],
    "report": {"sample_every": 0},
}


@pytest.fixture(scope="module")
def flow_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution `my-flow`, built and installed by pip."""
    site = tmp_path_factory.mktemp("flow-site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(FLOW)], check=True)
    return site


@pytest.fixture(autouse=True)
def flow(flow_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed; the current folder is an empty one."""
    monkeypatch.syspath_prepend(str(flow_site))
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def rows(n: int, seed: int) -> tuple[torch.Tensor, list[str]]:
    """Pictures of a bright row on a dark, noisy ground, uint8, and its place."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 50, (n, *SHAPE), generator=generator, dtype=torch.uint8)
    for i, image in enumerate(images):
        image[:, 2 * (i % 3) + 1] += 200
    return images, [["top", "middle", "bottom"][i % 3] for i in range(n)]


@pytest.fixture(scope="module")
def trained(flow_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow that was trained for some seconds."""
    folder = tmp_path_factory.mktemp("flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(flow_site))
        patch.setenv("GENZOO_CACHE", str(folder / "cache"))
        images, labels = rows(120, seed=0)
        recipe = msgspec.convert(RECIPE, Recipe)
        return train(genzoo.open_zoo(), recipe, Dataset(images, {"label": labels}), folder / "run")


def opened(path: Path) -> GenerativeModel:
    module = genzoo.open_zoo().open(path).module
    assert isinstance(module, GenerativeModel)
    return module


def unseen() -> torch.Tensor:
    return rows(30, seed=1)[0] / 127.5 - 1


def test_training_raises_the_likelihood(trained: Path) -> None:
    log = [json.loads(line) for line in (trained.parent / "log.jsonl").read_text().splitlines()]
    nats = [line["nats_per_pixel"] for line in log if "nats_per_pixel" in line]
    assert nats[-1] > nats[0] + 0.3
    # Pictures such as those it learnt are likelier than others, by the label too.
    model, x = opened(trained), unseen()
    label = torch.arange(30) % 3
    with torch.inference_mode():
        right = model.log_likelihood(x, {"label": label})
        wrong = model.log_likelihood(x, {"label": (label + 1) % 3})
        turned = model.log_likelihood(x.transpose(2, 3), {"label": label})
    assert (right > wrong).all()
    assert (right > turned).all()


def test_a_flow_is_inverted_exactly(trained: Path) -> None:
    model, x = opened(trained), unseen()
    z = torch.randn(8, *model.codec.latent_shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(model.codec.reconstruct(x), x, rtol=0, atol=1e-4)
        again = model.codec.encode(model.codec.decode(z)).mode()
    torch.testing.assert_close(again, z, rtol=0, atol=1e-3)


def test_the_determinant_is_that_of_the_jacobian(trained: Path) -> None:
    codec, x = opened(trained).codec.double(), unseen()[:1].double()
    _, found = codec.noise_of(x, None)
    jacobian = torch.autograd.functional.jacobian(lambda x: codec.noise_of(x, None)[0], x)
    _, expected = torch.linalg.slogdet(jacobian.reshape(x.numel(), x.numel()))
    torch.testing.assert_close(found[0], expected)


def test_it_does_all_that_other_models_do(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def run(*words: str | Path) -> None:
        code = main([str(word) for word in words])
        assert code == 0, capfd.readouterr().err

    run("run", trained, "top", "bottom", "-n", "4", "--seed", "1", "-o", "a.png")
    run("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels" in capfd.readouterr().err
    for precision in ("fp32", "bf16"):
        run("run", trained, "--seed", "1", "--precision", precision, "-o", f"{precision}.png")
    with Image.open("bf16.png") as half, Image.open("fp32.png") as plain:
        assert abs(np.asarray(half).astype(int) - np.asarray(plain)).mean() < 3
    for name, image in zip("xy", rows(2, seed=2)[0], strict=True):
        Image.fromarray(image[0].numpy()).save(f"{name}.png")
    ends = ("-i", "x.png", "-i", "y.png")
    run("run", trained, *ends, "-o", "same.npz")
    with np.load("same.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], arrays["inputs"])
    run("run", trained, *ends, "--interpolate", "-n", "5", "-o", "walk.gif")
    run("check", trained)


def test_its_plugin_conforms(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "my-flow"])
    out = capfd.readouterr().out
    assert code == 0, out
    assert " 0 failed" in out
