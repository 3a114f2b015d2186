"""Negative prompts: what takes the place of null in guidance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli, assert_refused

import genzoo
from genzoo_core import GenerativeModel, SampleRng, UsageError

ONE_STEP = {"sampler": "euler", "steps": 1}


def drawn(model: str, prompt: str, guidance: float, **fields: object) -> torch.Tensor:
    options = {"guidance": guidance, **ONE_STEP}
    return genzoo.generate(model, prompt, n=4, seed=3, options=options, **fields).images


def test_guidance_leads_from_the_negative_to_the_prompt() -> None:
    # One step of Euler is linear in the network's prediction, as far as it is not cut off.
    three, eight = drawn("flow-mnist", "3", 1), drawn("flow-mnist", "8", 1)
    inside = (three.abs() < 0.99) & (eight.abs() < 0.99)
    expected = (eight + 2.5 * (three - eight)).clamp(-1, 1)
    found = drawn("flow-mnist", "3", 2.5, negative="8")
    assert inside.float().mean() > 0.2
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=2e-3)


@pytest.mark.parametrize("model", ["flow-mnist", "ddpm-mnist", "ldm-mnist", "vae-mnist"])
def test_what_is_asked_as_a_negative_turns_guidance_off(model: str) -> None:
    steps = {} if model == "vae-mnist" else {"steps": 3}
    plain, same = (
        genzoo.generate(
            model, "7", n=2, seed=1, options={"guidance": guidance, **steps}, negative=negative
        ).images
        for guidance, negative in ((1, None), (3, "7"))
    )
    torch.testing.assert_close(same, plain, rtol=0, atol=2e-2)


@pytest.mark.parametrize("model", ["flow-mnist", "ldm-mnist", "ddpm-mnist"])
def test_null_as_a_negative_changes_nothing(model: str) -> None:
    module = genzoo.load(model)
    assert isinstance(module, GenerativeModel)
    label = module.conditioners["label"]
    asked = {"label": label.prepare([3, 4], SampleRng([0, 0]))}
    options = module.Options(steps=2)
    with torch.inference_mode():
        plain, null = (
            module.sample(SampleRng([1, 2]), asked, options, **further)
            for further in ({}, {"negative": {"label": label.null(2)}})
        )
    assert torch.equal(plain, null)


def test_a_negative_without_a_prompt_needs_guidance_alone(cli: Cli, tmp_path: Path) -> None:
    run = ("run", "flow-mnist", "--negative", "1", "-n", "4", "--seed", "0", "--steps", "2")
    assert_refused(
        cli(*run), "with guidance 1 nothing leads away from a negative prompt; set a --g"
    )
    done = cli(*run, "--guidance", "2", "-o", tmp_path / "away.npz")
    assert done.code == 0, done.err


@pytest.mark.parametrize("model", ["flow-mnist", "vae-mnist"])
def test_a_negative_without_a_prompt_is_not_what_is_drawn(model: str) -> None:
    """Nothing asked is what is typical, of which some would be the very negative."""
    steps = {} if model == "vae-mnist" else ONE_STEP
    away, three = (
        genzoo.generate(
            model, prompts, n=40, seed=1, options={"guidance": guidance, **steps}, **further
        ).images
        for prompts, guidance, further in (((), 2, {"negative": "3"}), ("3", 1, {}))
    )
    assert ((away - three).abs().amax((1, 2, 3)) > 1e-2).all()


def test_the_record_has_it_and_replay_makes_it_again(cli: Cli, tmp_path: Path) -> None:
    made, again = tmp_path / "made.png", tmp_path / "again.png"
    run = ("run", "flow-emoji", "face", "--negative", "yellow", "-n", "2", "--steps", "2")
    done = cli(*run, "--json", "-o", made)
    assert json.loads(done.out)["record"]["negative"] == "yellow"
    assert "the same pixels" in cli("run", "--replay", made, "-o", again).err
    assert_refused(
        cli("run", "--replay", made, "--negative", "x"), "--replay takes its settings from the file"
    )


def test_a_picture_with_a_negative_depends_on_its_seed_alone(cli: Cli, tmp_path: Path) -> None:
    run = ("run", "flow-mnist", "3", "--negative", "random", "--steps", "2")
    cli(*run, "-n", "5", "--seed", "3", "--batch", "2", "-o", tmp_path / "five.npz")
    cli(*run, "--seed", "6", "-o", tmp_path / "one.npz")
    five, one = (
        np.load(tmp_path / f"{name}.npz")["images"].astype(int) for name in ("five", "one")
    )
    assert np.abs(five[3] - one[0]).max() <= 1


def test_variations_and_walks_take_a_negative_too(cli: Cli, tmp_path: Path) -> None:
    cli("run", "flow-mnist", "7", "--seed", "1", "--steps", "2", "-o", tmp_path / "seven.png")
    vary = ("--input", tmp_path / "seven.png", "--strength", "0.7")
    for words in (vary, ("--interpolate", "1,2", "-n", "2")):
        made = []
        for further in ((), ("--negative", "8")):
            path = tmp_path / f"{len(made)}.npz"
            run = ("run", "flow-mnist", "3", *words, *further, "--steps", "2", "-f", "-o", path)
            done = cli(*run, *(("--seed", "1") if words is vary else ()))
            assert done.code == 0, done.err
            made.append(np.load(path)["images"])
        assert not np.array_equal(*made)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("gan-mnist", "3"),
            "genzoo/gan-mnist draws without guidance: nothing leads away from a ne",
        ),
        (
            ("flow1-mnist", "3"),
            "genzoo/flow1-mnist draws without guidance: nothing leads away from a negative prompt; "
            "leave it out, or use diffusion (no mean flow), or an autoencoder or VAE with a flow",
        ),
        (("ddpm-mlp-mnist",), "genzoo/ddpm-mlp-mnist takes no prompt"),
        (
            ("vae-mnist", "3", "--set", "prior=standard-normal"),
            "with guidance 1 nothing leads away from a negative prompt; leave it out: this model "
            "draws its latents without a flow",
        ),
        (("flow-mnist", "3", "--guidance", "0"), "with guidance 0 nothing leads away"),
        (("ae-mnist", "--input", "{picture}"), "--negative says what is not to be drawn, and noth"),
    ],
)
def test_where_nothing_is_guided_a_negative_is_refused(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    picture = tmp_path / "seven.png"
    cli("run", "gan-mnist", "7", "-o", picture)
    words = tuple(word.format(picture=picture) for word in words)
    assert_refused(cli("run", *words, "--negative", "4"), message)


def test_a_negative_is_read_as_a_prompt_is() -> None:
    with pytest.raises(UsageError, match="no class 'eleven'; there are zero \\(0\\)"):
        genzoo.generate("flow-mnist", "3", negative="eleven")
    with pytest.raises(UsageError, match="the negative prompt holds a NUL character"):
        genzoo.generate("flow-mnist", "3", negative="\0")
    with pytest.raises(UsageError, match="negative is 4; give"):
        genzoo.generate("flow-mnist", "3", negative=4)
