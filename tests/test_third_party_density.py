"""A third party's density over latents serves genzoo's autoencoder and VAE, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import torch
from PIL import Image

import genzoo
from genzoo.cli import main
from genzoo_core import ConfigError, Dataset, ModelSpec, Recipe, SampleRng
from genzoo_core.images import from_uint8
from genzoo_core.testing import check_component
from genzoo_train.training import train

Run = Callable[..., tuple[int, str, str]]

DENSITIES: dict[str, dict[str, Any]] = {
    "box": {"component": "box", "config": {"margin": 0.25}},
    "bell": {"component": "genzoo-tiny/bell", "config": {"log_std": -1.0}},
}
FIRST = {"autoencoder": "reconstruction", "vae": "elbo"}
LABEL = {"component": "genzoo-tiny/labels", "column": "label", "drop": 0.1}
CASES = [(family, density) for family in FIRST for density in DENSITIES]


def shades() -> Dataset:
    """48 grey pictures, all different."""
    values = torch.arange(48)[:, None] * 4 + torch.arange(64) % 9
    return Dataset(
        values.to(torch.uint8).reshape(48, 1, 8, 8), {"label": [i % 3 for i in range(48)]}
    )


def trained(out: Path, family: str, density: str, **changes: object) -> Path:
    stages = (FIRST[family], "prior") if density == "bell" else (FIRST[family],)
    described = {
        "name": "mine",
        "card": {"family": family, "summary": "A stranger's density."},
        "data": {"name": "shades", "shape": [1, 8, 8]},
        "model": {
            "component": f"genzoo/{family}",
            "config": {"shape": [1, 8, 8], "latent": 3, "density": DENSITIES[density]},
            "conditioners": {"label": LABEL},
        },
        "stages": [{"name": name, "steps": 6, "batch_size": 16} for name in stages],
        "report": {"sample_every": 0, "checkpoint_every": 2},
    }
    recipe = msgspec.convert(described, Recipe)
    return train(genzoo.open_zoo(), recipe, shades(), out, **cast(Any, changes))


@pytest.fixture
def run(third_party: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `genzoo` with the given words in this process; gives its exit code and output."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in words])
        return code, *capfd.readouterr()

    return run


def test_it_is_listed_among_what_the_plugin_brings(run: Run) -> None:
    code, out, _ = run("plugins", "--json")
    assert code == 0
    (tiny,) = [p for p in json.loads(out)["plugins"] if p["distribution"] == "genzoo-tiny"]
    assert {"density box", "density bell"} <= set(tiny["components"])


@pytest.mark.parametrize(("family", "density"), CASES)
def test_a_model_with_it_is_trained_stored_and_run(
    family: str, density: str, run: Run, tmp_path: Path
) -> None:
    file, picture = trained(tmp_path / "run", family, density), tmp_path / "x.png"
    code, _, error = run("run", file, "1", "random", "-n", "2", "--seed", "3", "-o", picture)
    assert code == 0, error
    code, _, error = run("run", "--replay", picture, "-o", tmp_path / "y.png")
    assert (code, "the same pixels" in error) == (0, True), error
    # The file names the density in full, with its config.
    opened = genzoo.open_zoo().open(str(file))
    named = opened.spec.config["density"]
    assert named == {**DENSITIES[density], "component": f"genzoo-tiny/{density}"}
    # And holds what the density learnt: it draws what lies among the latents.
    model = cast(Any, opened.module)
    with torch.no_grad():
        z = model.codec.encode(from_uint8(shades().images)).mean
        asked = {"label": torch.arange(300) % 3}
        drawn = model.latents(SampleRng(range(300)), model.Options(), asked)
    if density == "box":
        assert (drawn >= z.amin(0) - 0.26).all()
        assert (drawn <= z.amax(0) + 0.26).all()
        torch.testing.assert_close(drawn.amin(0), z.amin(0) - 0.25, atol=0.1, rtol=0.05)
    else:
        assert not torch.equal(model.density.log_std, torch.full((3,), -1.0))


def test_it_can_vary_pictures_and_leave_its_place_to_a_standard_normal(
    run: Run, tmp_path: Path
) -> None:
    file, picture = trained(tmp_path / "run", "vae", "box"), tmp_path / "in.png"
    Image.new("L", (8, 8), 90).save(picture)
    for words in (["--input", picture, "--strength", "0.5"], ["--set", "prior=standard-normal"]):
        code, _, error = run("run", file, *words, "-n", "2", "-o", tmp_path / f"{len(words)}.png")
        assert code == 0, error
    code, _, error = run("run", file, "1", "--guidance", "2", "-o", tmp_path / "no.png")
    assert (code, "so nothing can guide it" in error) == (2, True), error


def test_a_training_that_is_resumed_in_its_stage_gives_the_very_weights(
    third_party: Path, tmp_path: Path
) -> None:
    whole = trained(tmp_path / "whole", "vae", "bell")
    trained(tmp_path / "part", "vae", "bell", max_steps=9)
    resumed = trained(tmp_path / "part", "vae", "bell", resume=True)
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("density", DENSITIES)
def test_it_keeps_to_the_interface(density: str, third_party: Path) -> None:
    labels = {"label": {"component": "genzoo-tiny/labels"}}
    chosen = DENSITIES[density]
    check_component(
        genzoo.open_zoo(),
        "density",
        f"genzoo-tiny/{density}",
        chosen["config"],
        conditioners=labels,
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"density": {"component": "bax"}}, "unknown density 'bax'; did you mean box"),
        (
            {"density": {"component": "box", "config": {"margn": 1}}},
            "config of density genzoo-tiny/box: .*margn.*; its fields are margin",
        ),
        (
            {"density": {"component": "box"}, "components": 2},
            r"mixtures \(components = 2\) or from box \(density\), not from both",
        ),
        (
            {"density": {"component": "box"}, "prior": {"type": "flow"}},
            r"learnt \(prior\) or from box \(density\), not from both",
        ),
        ({"density": {"component": "flow-mnist"}}, "unknown density 'flow-mnist'"),
    ],
)
def test_what_is_wrong_with_its_name_or_config_is_said(
    config: dict[str, Any], message: str, third_party: Path
) -> None:
    for family in FIRST:
        with pytest.raises(ConfigError, match=message):
            genzoo.open_zoo().build(ModelSpec(f"genzoo/{family}", config))


def test_genzoos_own_are_components_of_the_same_kind(third_party: Path) -> None:
    zoo = genzoo.open_zoo()
    for name in ("standard-normal", "gaussian-mixture", "flow", "vae"):
        given = {"component": f"genzoo/{name}", "config": {}}
        spec = ModelSpec("genzoo/autoencoder", {"latent": 3, "density": given})
        assert zoo.build(spec).spec.config["density"] == given
