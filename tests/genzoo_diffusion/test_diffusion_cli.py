"""A flow that was trained for a few seconds, run as a user would."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from diffusion_cases import error_of, rows_lit, spec_of, trained
from PIL import Image

import genzoo
from genzoo.cli import main
from genzoo_core.errors import UsageError

Run = Callable[..., "Outcome"]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow on three pictures, conditional and unconditional."""
    folder = tmp_path_factory.mktemp("flow")
    return trained(folder / "run", spec_of(labels=True, guidance=1.5), steps=400)


@pytest.fixture
def run(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Runs `genzoo run flow.safetensors` with the given words, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    shutil.copy(weights, "flow.safetensors")

    def go(*words: str) -> Outcome:
        capfd.readouterr()
        code = main(["run", "./flow.safetensors", *words])
        return Outcome(code, *capfd.readouterr())

    return go


def test_it_draws_what_is_asked(weights: Path) -> None:
    pictures = genzoo.generate(weights, ["zero", "1", "two"], n=4, seed=0).images
    assert rows_lit(pictures) == [0] * 4 + [1] * 4 + [2] * 4
    assert error_of(pictures) < 0.3


def test_without_a_prompt_it_draws_of_everything(weights: Path) -> None:
    pictures = genzoo.generate(weights, n=48, seed=0).images
    counts = [rows_lit(pictures).count(row) for row in range(3)]
    assert min(counts) >= 6
    assert error_of(pictures) < 0.4


@pytest.mark.parametrize("sampler", ["euler", "euler-a", "heun", "dpmpp-2m"])
def test_few_steps_will_do(weights: Path, sampler: str) -> None:
    for steps in (1, 2, 20):
        options = {"steps": steps, "sampler": sampler}
        pictures = genzoo.generate(weights, "two", n=8, seed=0, options=options).images
        assert rows_lit(pictures) == [2] * 8
        assert error_of(pictures) < 0.3


def test_a_picture_is_the_same_in_any_batch(weights: Path) -> None:
    together = genzoo.generate(weights, "1", n=5, seed=3).images
    one_by_one = genzoo.generate(weights, "1", n=5, seed=3, batch=1).images
    torch.testing.assert_close(together, one_by_one, atol=1e-3, rtol=0)


def test_the_denoising_is_an_animation(run: Run) -> None:
    done = run("two", "-n", "4", "--seed", "0", "--steps", "6", "--sampler", "euler", "-o", "x.gif")
    assert (done.code, done.out) == (0, "x.gif\n")
    with Image.open("x.gif") as animation:
        # Each step's prediction, and the result; what is equal to the frame before may be joined.
        assert 4 <= animation.n_frames <= 7
        assert animation.size == (28 * (2 * 8 + 2), 28 * (2 * 8 + 2))  # about 512


@pytest.mark.parametrize("steps", ["1", "2", "1000"])
def test_steps_go_from_one_to_a_thousand(run: Run, steps: str) -> None:
    assert run("--steps", steps, "--sampler", "euler", "-o", "x.png").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--steps", "0"), "from 1 to 1000"),
        (("--steps", "1001"), "from 1 to 1000"),
        (("--sampler", "huen"), "did you mean heun"),
        (("--sampler", "ddpm"), "use "),
        (("--sampler", "euler", "--set", "eta=0.5"), "sampler euler has no eta"),
        (("--set", "eta=2"), "from 0 to 1"),
        (("--sampler", "ddim", "--set", "sampler.eta=2"), "from 0 to 1"),
        (("--sampler", "ddim", "--set", "sampler.eta=nan"), "from 0 to 1"),
        (("--sampler", "ddim", "--set", "sampler.eto=1"), "did you mean sampler.eta"),
        (("--set", "sampler.eta=0.5"), "sampler heun has no option 'sampler.eta'"),
        (("--sampler", "huen", "--set", "sampler.eta=0"), "did you mean heun"),
        (("--set", "steps.eta=1"), "no option 'steps.eta'"),
        (("--guidance", "-1"), "from 0 to 100"),
        (("--set", "prediction=eps"), "no option 'prediction'"),
        (("three",), "three"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_is_refused_in_one_line(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    done = run(*words, "--seed", "0", "-o", "x.png")
    assert done.code == 2
    assert done.out == ""
    line = next(line for line in done.err.splitlines() if line.startswith("Error"))
    assert message in line
    assert "Traceback" not in done.err
    assert not os.path.exists("x.png")


def test_a_run_is_replayed_with_its_options(run: Run) -> None:
    words = ("1", "-n", "3", "--seed", "5", "--sampler", "euler")
    assert run(*words, "--guidance", "2", "--steps", "2", "-o", "a.png").code == 0
    assert main(["run", "--replay", "a.png", "-o", "b.png"]) == 0
    with Image.open("a.png") as first, Image.open("b.png") as second:
        assert first.tobytes() == second.tobytes()


def test_info_tells_the_options(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(weights), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    options = {option["name"]: option for option in told["options"]}
    # DDPM and DDIM are for paths on which alpha² + sigma² = 1, and this is a flow.
    assert set(options) == {"steps", "sampler", "guidance", "passes"}
    assert options["sampler"]["default"] == "heun"
    assert options["sampler"]["choices"] == ["euler", "euler-a", "heun", "dpmpp-2m"]


def test_an_error_names_the_options_that_info_lists() -> None:
    # A rectified flow refuses the samplers that have an eta.
    with pytest.raises(UsageError, match=r"it has steps, sampler, guidance, passes$"):
        genzoo.generate("flow-mnist", "7", options={"colour": 1})
