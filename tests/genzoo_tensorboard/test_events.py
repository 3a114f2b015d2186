"""What TensorBoard reads of a training, with its own reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_training import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from genzoo.cli import main


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def test_figures_samples_and_the_recipe(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    found = events(tmp_path / "run")
    assert [event.step for event in found.Scalars("loss")] == [4, 8, 12]
    assert {"mse", "images/s"} <= set(found.Tags()["scalars"])
    (picture,) = found.Images("samples")
    assert (picture.step, picture.width, picture.height) == (8, 18, 18)
    (recipe,) = found.Tensors("recipe/text_summary")
    assert b'"genzoo/diffusion"' in recipe.tensor_proto.string_val[0]


def test_a_resumed_training_logs_each_step_once(tmp_path: Path) -> None:
    assert train(tmp_path, "--max-steps", "8") == 0
    assert train(tmp_path, "--resume") == 0
    assert [event.step for event in events(tmp_path / "run").Scalars("loss")] == [4, 8, 12]


def test_it_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "tensorboard")
    assert train(tmp_path) == 0
    assert not list((tmp_path / "run").glob("events.*"))
    assert main(["list"]) == 0
