"""Two networks that share the times between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from diffusion_cases import LABELS, MLP, UNET, blobs, build, built, recipe_of, rows_lit, spec_of
from torch import Tensor

import genzoo
from genzoo_core import Batch, ConfigError, Progress, SampleRng
from genzoo_diffusion.experts import Experts
from genzoo_diffusion.model import Diffusion
from genzoo_train.training import train

CLEAR = {**UNET, "embedding": MLP["embedding"], "multipliers": [1], "patch": 1}
PAIR: dict[str, Any] = {"type": "experts", "noisy": MLP, "clear": CLEAR, "split": 0.4}


def of(model: Diffusion) -> Experts:
    assert isinstance(model.network, Experts)
    return model.network


def test_each_row_is_predicted_by_the_network_of_its_time() -> None:
    model, x = build(network=PAIR), torch.randn(4, 1, 8, 8).double()
    t = torch.tensor([0.1, 0.39, 0.4, 0.9]).double()
    time = model.noiser.embed(t)
    expected = torch.cat([of(model).clear(x, time, None)[:2], of(model).noisy(x, time, None)[2:]])
    torch.testing.assert_close(model.predict(x, t, None), expected)
    for rows in (slice(0, 2), slice(2, 4)):
        torch.testing.assert_close(model.predict(x[rows], t[rows], None), expected[rows])


@pytest.mark.parametrize(("name", "least", "most"), [("noisy", 0.4, 1.0), ("clear", 0.0, 0.4)])
def test_a_stage_trains_one_network_at_its_own_times(name: str, least: float, most: float) -> None:
    model = build(network=PAIR, labels=True).train()
    phases = {stage.name: stage.phases[0] for stage in model.stages()}
    times: list[Tensor] = []
    network = getattr(of(model), name)
    network.register_forward_pre_hook(lambda _, given: times.append(given[1]))
    batch = Batch(torch.randn(512, 1, 8, 8).double(), {"label": torch.arange(512) % 3})
    model.loss(batch, SampleRng(range(512)), phases[name], Progress(0, 1))[0].backward()
    (seen,) = times
    t = seen / model.noiser.embed(torch.ones(1))
    # Both ends are reached, and half are below the middle, as of a sigmoid of a standard normal.
    assert least <= t.min() < least + 0.1 * (most - least)
    assert most - 0.1 * (most - least) < t.max() <= most
    assert (t < (least + most) / 2).double().mean() == pytest.approx(0.5, abs=0.1)
    assert all(p.grad is not None for p in phases[name].parameters)
    other = of(model).clear if name == "noisy" else of(model).noisy
    assert all(p.grad is None for p in other.parameters())


def test_the_two_stages_train_each_parameter_once() -> None:
    model = build(network=PAIR, labels=True)
    noisy, clear = (stage.phases[0].parameters for stage in model.stages())
    assert set(clear) == set(of(model).clear.parameters())
    assert {*noisy, *clear} == set(model.parameters())
    assert len(noisy) + len(clear) == len(set(model.parameters()))


def test_networks_of_two_embeddings_are_refused() -> None:
    with pytest.raises(ConfigError, match="noisy embeds its condition in 32 numbers, clear in 16"):
        built(network={**PAIR, "clear": UNET})


def test_both_are_trained_stored_and_sampled_with(tmp_path: Path) -> None:
    spec = spec_of(labels=True, network=PAIR)
    recipe = recipe_of(spec, steps=250, stage="noisy")
    noisy = recipe.stages[0]
    clear = msgspec.structs.replace(
        noisy, name="clear", phases={"clear": noisy.phases["noisy"]}, steps=60
    )
    recipe = msgspec.structs.replace(recipe, stages=(noisy, clear))
    path = train(genzoo.open_zoo(), recipe, blobs(), tmp_path / "out")
    prompts = ["zero", "one", "two"]
    pictures = genzoo.generate(path, prompts, n=8, seed=1).images
    assert rows_lit(pictures) == [LABELS[i // 8] for i in range(24)]
