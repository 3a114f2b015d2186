"""Negative conditions: they take the place of null in guidance."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusion_cases import FLOW, LABEL, MLP, build, ddpm
from torch import Tensor

import genzoo
from genzoo_core import Condition, Guided, ModelSpec, Posterior, SampleRng
from genzoo_diffusion.model import Diffusion

NOISERS: dict[str, dict[str, Any]] = {
    "flow": FLOW,
    "ddpm-eps": ddpm("cosine"),
    "ddpm-v": ddpm("linear", "v"),
    "edm": {"component": "genzoo/edm"},
}


def labels(model: Any, *ids: int | None) -> dict[str, Tensor]:
    """Prepared labels, one for each picture; None is null."""
    conditioner = model.conditioners["label"]
    rows = [
        conditioner.null(1) if i is None else conditioner.prepare([i], SampleRng([0])) for i in ids
    ]
    return {"label": torch.cat(rows)}


def draw(model: Any, seeds: list[int], asked: dict[str, Tensor], **more: Any) -> Tensor:
    options = {key: more.pop(key) for key in list(more) if key in model.Options.__struct_fields__}
    with torch.inference_mode():
        pictures: Tensor = model.sample(SampleRng(seeds), asked, model.Options(**options), **more)
    return pictures


class Points(Diffusion):
    """All pictures of a class are one grey, the first number of its condition's vector."""

    def predict(self, x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        assert condition is not None
        alpha, sigma = (c.reshape(-1, 1, 1, 1) for c in self.noiser.coefficients(t))
        x0 = condition.vector[:, :1, None, None].expand_as(x)
        return self.noiser.target(x0, (x - alpha * x0) / sigma, t)


@pytest.mark.parametrize("noiser", NOISERS)
@pytest.mark.parametrize("asked", [[0, 1, 2], [None, None, None]])
def test_data_lie_beyond_what_is_asked_away_from_the_negative(
    noiser: str, asked: list[int | None]
) -> None:
    """In closed form: predictions are linear in the data, which are a point for each class."""
    model = build(labels=True, noiser=NOISERS[noiser], clip=False)
    model.__class__ = Points
    negative, scale = labels(model, 1, 1, 1), 1.5
    given = labels(model, *asked)

    def grey(rows: dict[str, Tensor]) -> Tensor:
        condition = model.condition(rows, 3)
        assert condition is not None
        return condition.vector[:, 0]

    base, told = grey(negative), grey(given)
    expected = (base + scale * (told - base)).clamp(-1, 1)[:, None, None, None]
    conditions = {} if asked[0] is None else given
    found = draw(model, [1, 2, 3], conditions, negative=negative, guidance=scale, steps=4)
    torch.testing.assert_close(found, expected.expand_as(found), atol=2e-3, rtol=0)


@pytest.mark.parametrize("noiser", NOISERS)
def test_null_as_a_negative_is_guidance_as_ever(noiser: str) -> None:
    model = build(labels=True, noiser=NOISERS[noiser], guidance=3.0)
    asked = labels(model, 0, 1, 2)
    plain = draw(model, [1, 2, 3], asked)
    null = draw(model, [1, 2, 3], asked, negative=labels(model, None, None, None))
    assert torch.equal(plain, null)
    others = draw(model, [1, 2, 3], asked, negative=labels(model, 1, 2, 0))
    assert not torch.allclose(plain, others, atol=1e-3)
    alone = draw(model, [2], labels(model, 1), negative=labels(model, 2))
    torch.testing.assert_close(others[1:2], alone)


@pytest.mark.parametrize("component", ["genzoo/autoencoder", "genzoo/vae"])
def test_a_flow_over_latents_is_guided_too(component: str) -> None:
    prior = {"type": "flow", "width": 16, "blocks": 1, "embedding": 8, "steps": 3, "guidance": 2.0}
    config = {"shape": [1, 8, 8], "latent": 4, "network": {"type": "mlp", "hidden": 16}}
    spec = ModelSpec(component, {**config, "prior": prior}, conditioners={"label": LABEL})
    torch.manual_seed(0)
    model = genzoo.open_zoo().build(spec).module
    assert isinstance(model, Guided)
    with torch.no_grad():
        model.density.fit(Posterior(torch.tensor([[-1.0] * 4, [1.0] * 4])), {})
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model = model.eval().double()
    asked, null = labels(model, 0, 1, 2), labels(model, None, None, None)
    plain = draw(model, [1, 2, 3], asked)
    assert torch.equal(plain, draw(model, [1, 2, 3], asked, negative=null))
    others = draw(model, [1, 2, 3], asked, negative=labels(model, 1, 2, 0))
    assert not torch.allclose(plain, others, atol=1e-4)
    same = draw(model, [1, 2, 3], asked, negative=asked)
    torch.testing.assert_close(same, draw(model, [1, 2, 3], asked, guidance=1.0))
    # With nothing asked: null, and not what is typical, which could be the very negative.
    unasked = draw(model, [1, 2, 3], {}, negative=labels(model, 1, 1, 1))
    torch.testing.assert_close(
        unasked, draw(model, [1, 2, 3], null, negative=labels(model, 1, 1, 1))
    )


def test_noise_of_a_seed_is_the_same_with_a_negative() -> None:
    """Where guidance leads nowhere else, the picture is that of the prompt."""
    model = build(labels=True, noiser=FLOW, network=MLP)
    asked = labels(model, 0, 1)
    found = draw(model, [1, 2], asked, negative=asked, guidance=5.0)
    torch.testing.assert_close(found, draw(model, [1, 2], asked, guidance=1.0))
