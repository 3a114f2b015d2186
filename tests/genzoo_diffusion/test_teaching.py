"""What a mean flow learns from a teacher: paths, spans, what is refused and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import torch
from diffusion_cases import LABEL, MLP, build, sample, spec_of, trained
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import genzoo
import genzoo_diffusion
from genzoo_core import (
    Batch,
    BatchRng,
    Conditioner,
    ConfigError,
    Dataset,
    ModelSpec,
    Opened,
    PartSpec,
    Progress,
    SampleRng,
    ScheduledNoiser,
)
from genzoo_core.recipe import PhaseRecipe, StageRecipe
from genzoo_core.sampler import Denoise
from genzoo_diffusion.model import Diffusion
from genzoo_diffusion.teaching import Teacher, spans_of
from genzoo_train.training import train

RECIPE = Path(genzoo_diffusion.__file__).parent / "recipes" / "flow1-mnist.toml"
LABELS = {"label": LABEL}
TAUGHT = {"network": MLP, "shape": [1, 8, 8], "teacher": {"steps": 4}}


def rng_of(n: int, seed: int = 0) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(seed), n)


def pupil(part: str, *, training: bool = True, **config: Any) -> Opened:
    spec = ModelSpec(
        "genzoo/mean-flow",
        TAUGHT | config,
        conditioners=LABELS,
        parts={"teacher": PartSpec(part)} if part else {},
    )
    return genzoo.open_zoo().build(spec, training=training)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow that draws blobs of three classes."""
    return trained(tmp_path_factory.mktemp("flow"), spec_of(labels=True), steps=400)


def by_hand(model: Diffusion, x: Tensor, labels: Tensor, steps: int, guidance: float) -> Tensor:
    """The points of Heun's method on dx/dt = v, as in any textbook; Euler's for the last step."""

    def v(x: Tensor, t: float) -> Tensor:
        asked, nothing = (
            model.predict(x, torch.full((len(x),), t).to(x), model.condition(given, len(x)))
            for given in ({"label": labels}, {})
        )
        return nothing + guidance * (asked - nothing)

    points = [x]
    for i in range(steps):
        t, r = 1 - i / steps, 1 - (i + 1) / steps
        slope = v(x, t)
        if r > 0:
            slope = (slope + v(x + (r - t) * slope, r)) / 2
        x = x + (r - t) * slope
        points.append(x)
    return torch.stack(points)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_path_is_that_of_heuns_method(guidance: float) -> None:
    model = build(labels=True, clip=False)
    labels = torch.tensor([0, 1, 2])
    with torch.no_grad():
        points, times = Teacher(model, (1, 8, 8), model.conditioners, model.context).path(
            rng_of(3), {"label": labels}, 4, guidance
        )
        noise = rng_of(3).normal((1, 8, 8), points)
        torch.testing.assert_close(points, by_hand(model, noise, labels, 4, guidance))
    torch.testing.assert_close(times, torch.tensor([1, 0.75, 0.5, 0.25, 0]).to(times))


def test_a_path_ends_where_the_teacher_samples(flow: Path) -> None:
    model = cast(Any, genzoo.open_zoo().open(str(flow)).module)
    labels = torch.tensor([0, 1, 2])
    teacher = Teacher(model, (1, 8, 8), model.conditioners, model.context)
    points, _ = teacher.path(SampleRng([4, 5, 6]), {"label": labels}, 6, 1.5)
    drawn = sample(model, [4, 5, 6], {"label": labels}, steps=6, guidance=1.5)
    torch.testing.assert_close(points[-1].clamp(-1, 1), drawn)


@given(half=st.integers(1, 50), more=st.integers(0, 8), n=st.integers(1, 40), seed=st.integers(0))
def test_a_span_begins_before_it_ends(half: int, more: int, n: int, seed: int) -> None:
    steps = 2 * half
    begin, end = spans_of(steps, more, rng_of(n, seed % 2**63), torch.empty(0))
    assert begin.shape == end.shape == (3 + more, n)
    assert (begin[:3, 0].tolist(), end[:3, 0].tolist()) == ([0, 0, half], [steps, half, steps])
    assert begin.min() >= 0
    assert end.max() <= steps
    assert (begin < end).all()


def test_all_spans_are_as_likely() -> None:
    begin, end = spans_of(4, 1, rng_of(40_000), torch.empty(0))
    counts = torch.bincount((5 * begin + end)[3], minlength=25)
    seen = counts[counts > 0]
    assert len(seen) == 10  # pairs of five points
    # A share of 1/10 of 40,000: 4000 with a deviation of 60.
    assert (seen - 4000).abs().max() < 300


@pytest.mark.long
def test_a_pupil_draws_in_one_evaluation_what_its_teacher_draws_in_many(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    recipe = zoo.recipe(str(RECIPE))
    phase = {"flowing": PhaseRecipe(optimizer="adamw", lr=1e-3, schedule="linear")}
    stage = StageRecipe("flowing", steps=24, batch_size=8, phases=phase)
    # The pictures are not looked at: all that is learnt is the teacher's.
    black = Dataset(torch.zeros(40, 1, 28, 28, dtype=torch.uint8), {"label": [*range(10)] * 4})
    config = recipe.model.config | {"teacher": {"steps": 2, "spans": 0}}
    model = msgspec.structs.replace(recipe.model, config=config)
    recipe = msgspec.structs.replace(recipe, model=model, stages=(stage,))
    learnt = zoo.open(str(train(zoo, recipe, black, tmp_path)))
    assert learnt.spec.parts == {}
    assert not [name for name in learnt.own_tensors() if "teacher" in name]
    asked, seeds = {"label": torch.arange(20) % 10}, list(range(20))
    teacher = cast(Any, zoo.open("genzoo/flow-mnist").module)
    guidance = recipe.model.config["guidance"]
    many = sample(teacher, seeds, asked, steps=2, guidance=guidance)
    once = sample(teacher, seeds, asked, steps=1, sampler="euler", guidance=guidance)
    drawn = sample(cast(Any, learnt.module), seeds, asked, steps=1)
    assert (drawn - many).square().mean() < 0.7 * (once - many).square().mean()


def test_without_training_there_is_no_teacher() -> None:
    assert pupil("", training=False).spec.parts == {}


@pytest.mark.parametrize(
    ("teacher", "config", "message"),
    [
        ("", {}, "no part plays the role 'teacher'"),
        ("genzoo/gan-mnist", {}, "'teacher' is a GAN"),
        ("genzoo/vae-mnist", {}, "'teacher' is a VAE, which does not denoise"),
        ("genzoo/flow-mnist", {}, r"data are of shape \[1, 28, 28\], .* of shape \[1, 8, 8\]"),
        (
            "genzoo/flow-mnist",
            {"shape": [1, 28, 28]},
            "the teacher takes label: 10 values, its pupil label: 3 values",
        ),
        ("genzoo/flow-mnist", {"teacher": {"steps": 5}}, "multiple of 2"),
    ],
)
def test_what_cannot_teach_is_refused(teacher: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pupil(teacher, **config)


class Normal(nn.Module):
    """A stranger's model of N(0, s²), which knows the best guess at every time."""

    def __init__(self, noiser: ScheduledNoiser, s: float) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.tensor(s, dtype=torch.float64))
        self.noiser, self.data_shape = noiser, (3,)
        self.conditioners: dict[str, Conditioner] = {}

    def denoiser(self, conditions: Mapping[str, Tensor], n: int, guidance: float) -> Denoise:
        def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            alpha, sigma = (c[:, None] for c in self.noiser.coefficients(t))
            x0 = alpha * self.s**2 * x / (alpha**2 * self.s**2 + sigma**2)
            return x0, (x - alpha * x0) / sigma

        return denoise


@pytest.mark.parametrize("name", ["rectified-flow", "ddpm", "edm"])
def test_a_path_of_any_noiser_is_that_of_a_rectified_flow(name: str) -> None:
    noiser, s = genzoo.open_zoo().component("noiser", name, {}), 0.5
    context = build().context
    teacher = Teacher(Normal(noiser, s), (3,), {}, context)
    points, times = teacher.path(rng_of(4), {}, 400, 1.0)
    assert (times[0], times[-1]) == (1, 0)
    assert (times.diff() < 0).all()
    # The flow of a normal scales by the deviation d(t) = sqrt((1 - t)² s² + t²) of z_t.
    deviation = ((1 - times).square() * s**2 + times.square()).sqrt()
    expected = points[0] * deviation[:, None, None]
    torch.testing.assert_close(points, expected, rtol=0.02, atol=0.02)


def test_a_strangers_diffusion_teaches(third_party: Path, tmp_path: Path) -> None:
    line = {"component": "genzoo-tiny/line", "config": {"prediction": "flow"}}
    tiny = ModelSpec("genzoo-tiny/tiny-diffusion", {"noiser": line}, conditioners={"label": LABEL})
    file = trained(tmp_path / "run", tiny, steps=400, stage="denoise")
    flow = cast(Any, genzoo.open_zoo().open(str(file)).module)
    model = cast(Any, pupil("", training=False).module)
    model.teacher = Teacher(flow, (1, 8, 8), model.conditioners, build().context)
    phase = model.stages()[0].phases[0]
    optimizer = torch.optim.Adam(phase.parameters, lr=3e-3)
    for step in range(150):
        labels = {"label": torch.arange(24) % 3}
        batch = Batch(torch.zeros(24, 1, 8, 8), labels)  # only the conditions count
        optimizer.zero_grad()
        model.loss(batch, rng_of(24, step), phase, Progress(step, 150))[0].backward()
        optimizer.step()
    seeds, asked = list(range(30)), {"label": torch.arange(30) % 3}
    many, once = (sample(flow, seeds, asked, steps=steps) for steps in (8, 1))
    drawn = sample(model.eval(), seeds, asked, steps=1)
    assert (drawn - many).square().mean() < 0.7 * (once - many).square().mean()
