"""Trainings in processes of their own, and what they tell the one that started them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from training_cases import SLOW

from genzoo_core import TrainingError
from genzoo_core.zoo import Zoo
from genzoo_train.api import DivergedError, TrainingProcess, stop_all

LIES = ("numpy", "torch", "json", "random", "subprocess", "resource", "click", "genzoo")
"""Modules that these processes import."""

PATIENCE = 600.0
"""Seconds for what takes a few on a machine that does nothing else."""


@pytest.fixture
def file(zoo: Zoo, tmp_path: Path) -> Path:
    """A recipe's file."""
    path = tmp_path / "mine.toml"
    path.write_text(SLOW)
    return path


def test_a_training_imports_nothing_of_the_current_folder(
    file: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in LIES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} is none of yours')\n")
    monkeypatch.chdir(folder)
    training = TrainingProcess(file, tmp_path / "run", max_steps=1, data=data_folder)
    assert training.weights().exists()


def test_a_training_gives_its_weights_and_goes_on_to_the_very_same(
    file: Path, data_folder: Path, tmp_path: Path
) -> None:
    changes = ["model.config.sleep=0", "seed=5"]

    def training(name: str, steps: int) -> TrainingProcess:
        out = tmp_path / "runs" / name
        return TrainingProcess(file, out, max_steps=steps, changes=changes, data=data_folder)

    first = [training("parts", 3), training("whole", 20)]
    whole = first[1].weights()
    assert first[0].weights() == tmp_path / "runs" / "parts" / "mine.safetensors"
    assert all(process.ended for process in first)
    parts = load_file(training("parts", 20).weights())
    assert all((parts[name] == tensor).all() for name, tensor in load_file(whole).items())
    assert "going on at step 3" in (tmp_path / "runs" / "parts.log").read_text()


def test_a_training_that_diverges_says_so(file: Path, data_folder: Path, tmp_path: Path) -> None:
    changes = ["model.config.fault=nan", "model.config.sleep=0"]
    training = TrainingProcess(
        file, tmp_path / "run", max_steps=20, changes=changes, data=data_folder
    )
    with pytest.raises(DivergedError) as caught:
        training.weights()
    assert str(caught.value) == (
        "the loss of phase 'copy' became nan at step 7 of stage 'game'; the checkpoint before it "
        "is kept; lower the learning rate, or clip harder"
    )


def test_a_training_that_ends_for_another_reason_is_an_error(file: Path, tmp_path: Path) -> None:
    # What it says has the words of one that diverged, which it is not.
    training = TrainingProcess(
        file, tmp_path / "run", max_steps=2, changes=["name=the loss became nan"], data=tmp_path
    )
    with pytest.raises(TrainingError) as caught:
        training.weights()
    assert not isinstance(caught.value, DivergedError)
    message = str(caught.value)
    assert message.startswith("training run ended with exit code 2: --set name=the loss became nan")
    assert message.endswith(f"; {tmp_path}/run.log says more; the same command goes on")


def test_a_training_that_is_stopped_saves_where_it_stands(
    file: Path, data_folder: Path, tmp_path: Path
) -> None:
    changes = ["model.config.sleep=0.2", "report.checkpoint_every=1000"]
    training = TrainingProcess(
        file, tmp_path / "run", max_steps=20, changes=changes, data=data_folder
    )
    end = time.monotonic() + PATIENCE
    while "stage game" not in training.log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    stop_all([training])
    assert training.ended
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    with pytest.raises(TrainingError, match="ended with exit code 143: stopped at step"):
        training.weights()


def test_a_training_that_is_killed_is_an_error(file: Path, tmp_path: Path) -> None:
    training = TrainingProcess(file, tmp_path / "run", max_steps=2, data=tmp_path)
    training._process.kill()
    with pytest.raises(TrainingError, match="training run ended with exit code -9; "):
        training.weights()
