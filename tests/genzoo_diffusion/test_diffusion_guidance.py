"""Classifier-free guidance."""

from __future__ import annotations

import pytest
import torch
from diffusion_cases import UNET, build, ddpm, sample
from torch import Tensor

from genzoo_core import Condition, SampleRng, UsageError
from genzoo_core.denoising import guided_denoiser
from genzoo_diffusion.model import Diffusion


def rows(model: Diffusion, *labels: int) -> dict[str, Tensor]:
    return {"label": model.conditioners["label"].prepare(labels, SampleRng([0] * len(labels)))}


@pytest.fixture
def model() -> Diffusion:
    return build(labels=True, noiser=ddpm("cosine"), network=UNET, clip=False, guidance=3.0)


def test_guidance_0_is_no_prompt_and_1_is_the_prompt_as_it_is(model: Diffusion) -> None:
    asked = rows(model, 1, 2)
    nothing = {"label": model.conditioners["label"].null(2)}
    torch.testing.assert_close(sample(model, [1, 2], asked, guidance=0), sample(model, [1, 2]))
    torch.testing.assert_close(
        sample(model, [1, 2], asked, guidance=0), sample(model, [1, 2], nothing, guidance=1)
    )
    plain = sample(model, [1, 2], asked, guidance=1)
    assert not torch.allclose(plain, sample(model, [1, 2], asked, guidance=0), atol=1e-4)
    assert not torch.allclose(plain, sample(model, [1, 2], asked), atol=1e-4)  # its own, 3


def test_what_is_not_asked_for_can_be_what_is_typical() -> None:
    model = build(labels=True, noiser=ddpm("cosine"), network=UNET, guidance=3.0, unasked="typical")
    rng = SampleRng([1, 2, 3])
    rng.normal(model.data_shape, torch.empty(0))  # the noise comes first, whatever is asked
    labels = {"label": model.conditioners["label"].typical(rng)}
    expected = sample(model, [1, 2, 3], labels, guidance=1)
    torch.testing.assert_close(sample(model, [1, 2, 3]), expected)


def test_what_is_typical_is_guided_as_the_config_or_the_caller_says() -> None:
    config = {"noiser": ddpm("cosine"), "network": UNET, "guidance": 3.0, "unasked": "typical"}
    model = build(labels=True, **config, unasked_guidance=1.5)
    rng = SampleRng([1, 2, 3])
    rng.normal(model.data_shape, torch.empty(0))
    labels = {"label": model.conditioners["label"].typical(rng)}
    for options, scale in (({}, 1.5), ({"guidance": 2.0}, 2.0), ({"guidance": 1.0}, 1.0)):
        expected = sample(model, [1, 2, 3], labels, guidance=scale)
        torch.testing.assert_close(sample(model, [1, 2, 3], **options), expected)
    asked = rows(model, 1, 2)
    torch.testing.assert_close(
        sample(model, [1, 2], asked), sample(model, [1, 2], asked, guidance=3.0)
    )


def test_a_null_where_nothing_is_asked_is_not_guided() -> None:
    config = {"noiser": ddpm("cosine"), "network": UNET}
    model = build(labels=True, **config, guidance=3.0, unasked_guidance=1.5)
    expected = sample(model, [1, 2], guidance=1.0)
    torch.testing.assert_close(sample(model, [1, 2]), expected)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.5])
def test_predictions_are_those_without_plus_the_scaled_difference(
    model: Diffusion, scale: float
) -> None:
    x, t = torch.randn(2, 1, 8, 8).double(), torch.tensor([0.3, 0.8]).double()
    with torch.inference_mode():
        asked, null = model.condition(rows(model, 0, 2), 2), model.condition({}, 2)
        base, told = model.predict(x, t, null), model.predict(x, t, asked)
        expected = model.noiser.split(base + scale * (told - base), x, t)
        given = guided_denoiser(model.predict, model.noiser, asked, null, scale, clip=False)(x, t)
    torch.testing.assert_close(given, expected)


@pytest.mark.parametrize(("scale", "evaluations"), [(0, 1), (1, 1), (2, 2), (0.5, 2)])
def test_guidance_costs_a_second_evaluation_only_where_it_needs_one(
    model: Diffusion, scale: float, evaluations: int
) -> None:
    sizes: list[int] = []
    predict = model.predict

    def counted(x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        sizes.append(len(x))
        return predict(x, t, condition)

    model.predict = counted  # type: ignore[method-assign]
    sample(model, [1, 2, 3], rows(model, 0, 1, 2), guidance=scale, sampler="euler", steps=2)
    assert sizes == [3 * evaluations] * 2
    sizes.clear()
    sample(model, [1, 2, 3], guidance=scale, sampler="euler", steps=2)  # nothing to guide to
    assert sizes == [3, 3]


@pytest.mark.parametrize("scale", [0.0, 0.9, 2.0])
def test_a_model_without_a_prompt_refuses_guidance(scale: float) -> None:
    model = build()
    with pytest.raises(UsageError, match="takes no prompt"):
        sample(model, [0], guidance=scale)
    torch.testing.assert_close(sample(model, [0], guidance=1), sample(model, [0]))
