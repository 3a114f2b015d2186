"""`genzoo.generate`: pictures for Python users."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import genzoo
from genzoo import generate
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.request import Request


def test_a_picture_does_not_depend_on_how_many_are_made(painter: Path) -> None:
    prompts = ["3", "random"]
    whole = generate("colour", prompts, n=6, seed=4, conditions={"text": "a cat"})
    assert whole.images.shape == (12, 3, 8, 8)
    assert whole.seeds == tuple(range(4, 16))
    for batch in (1, 5, 64):
        again = generate(
            "colour", prompts, n=6, seed=4, conditions={"text": "a cat"}, batch=batch, threads=2
        )
        torch.testing.assert_close(again.images, whole.images, rtol=1e-4, atol=1e-5)
    alone = generate("colour", "random", seed=13, conditions={"text": "a cat"})
    torch.testing.assert_close(alone.images[0], whole.images[9], rtol=1e-4, atol=1e-5)


def test_one_registry_serves_many_runs(painter: Path) -> None:
    zoo = genzoo.open_zoo()
    named = generate("plain", n=2, seed=0)
    for model in ("plain", "painter/plain"):
        assert generate(model, n=2, seed=0, zoo=zoo).images.equal(named.images)
        assert zoo.generate(Request(model, n=2, seed=0)).images.equal(named.images)


def test_pictures_are_ordinary_tensors(painter: Path) -> None:
    images = generate("plain", n=2, seed=0).images
    assert images.dtype == torch.float32
    assert not images.is_inference()  # so that a network can be trained on them
    assert images.abs().max() <= 1


def test_threads_are_as_before_afterwards(painter: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        generate("plain", threads=1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_small_model_gets_one_thread(painter: Path) -> None:
    assert generate("plain").record.threads == 1


def test_frames_are_kept_where_there_are_steps(painter: Path) -> None:
    pictures = generate("colour", n=5, seed=0, options={"steps": 4}, batch=2, keep_frames=True)
    assert [frame.shape for frame in pictures.frames] == [(5, 3, 8, 8)] * 4
    assert pictures.frames[-1].equal(pictures.images)
    many = generate("colour", options={"steps": 200}, keep_frames=True)
    assert 2 <= len(many.frames) <= 64
    assert many.frames[-1].equal(many.images)
    assert generate("plain", keep_frames=True).frames == ()


def test_progress_counts_pictures(painter: Path) -> None:
    seen: list[tuple[float, int]] = []
    generate("colour", n=4, batch=2, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 4


def test_ctrl_c_gives_what_is_finished(painter: Path) -> None:
    def interrupt(done: float, total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        generate("plain", n=10, seed=0, batch=2, on_progress=interrupt)
    kept = caught.value.pictures  # type: ignore[attr-defined]
    assert kept is not None
    assert kept.seeds == (0, 1, 2, 3)
    assert kept.record.pictures == (0, 4)
    torch.testing.assert_close(kept.images, generate("plain", n=10, seed=0).images[:4])


def test_typed_options_and_their_errors(painter: Path) -> None:
    cold = generate("plain", n=2, options={"temperature": 0.0}).images
    assert cold[0].equal(cold[1])
    with pytest.raises(UsageError, match="a number of at least 0"):
        generate("plain", options={"temperature": float("nan")})
    with pytest.raises(UsageError, match="give text"):
        generate("colour", [7])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="has no option 'size'"):
        generate("colour", conditions={"size": "big"})


def test_what_no_request_has_is_an_option_or_a_condition(painter: Path) -> None:
    cold = generate("plain", n=2, seed=0, temperature=0.0)
    assert cold.images[0].equal(cold.images[1])
    assert cold.record == generate("plain", n=2, seed=0, options={"temperature": 0.0}).record
    emoji = generate("flow-emoji", "cat face", style="noto", steps=1)
    assert emoji.record.conditions == {"style": "noto"}
    with pytest.raises(UsageError, match="temperature is set twice"):
        generate("plain", temperature=1.0, options={"temperature": 0.0})
    with pytest.raises(UsageError, match="seed is set by itself"):
        generate("plain", options={"seed": 0})
    for name, meant in {"tempreature": "temperature", "sed": "seed"}.items():
        with pytest.raises(UsageError, match=f"no option '{name}'; .*did you mean .*{meant}"):
            generate("plain", **{name: 0})


def test_pictures_that_are_not_finite_are_an_error(painter: Path) -> None:
    with pytest.raises(GenzooError, match="not finite"):
        generate("plain", options={"fault": "wild"})


def test_a_walk_is_the_same_in_any_batches(painter: Path) -> None:
    whole = generate("colour", ["3", "4"], n=4, interpolate=(3, 8))
    parts = generate("colour", ["3", "4"], n=4, interpolate=(3, 8), batch=3)
    assert whole.columns == 4
    torch.testing.assert_close(parts.images, whole.images, rtol=1e-4, atol=1e-5)
    ends = generate("colour", "4", seed=8).images
    torch.testing.assert_close(whole.images[7:], ends, rtol=1e-4, atol=1e-5)
