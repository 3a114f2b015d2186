"""`genzoo train` as a user meets it."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest
from safetensors import safe_open
from training_cases import SLOW, recipe

from genzoo.cli import main
from genzoo_core import UsageError
from genzoo_core.zoo import Zoo
from genzoo_train.overrides import override

FAST = SLOW.replace("0.05", "0")


@pytest.fixture
def command(zoo: Zoo, data_folder: Path, tmp_path: Path) -> list[str]:
    """Words that train the awkward model in `tmp_path/run`."""
    (tmp_path / "fast.toml").write_text(FAST)
    data, out = str(data_folder), str(tmp_path / "run")
    return ["train", str(tmp_path / "fast.toml"), "--data", data, "--out", out]


def test_the_card_lies_beside_the_weights_and_is_not_printed(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    output, errors = capfd.readouterr()
    assert output == ""
    (card,) = tomllib.loads((tmp_path / "run" / "card.toml").read_text())["models"]
    assert card["name"] == "mine"
    assert card["weights"] == "weights/mine.safetensors"
    assert "game 4/12  loss" in errors
    file = tmp_path / "run" / "mine.safetensors"
    assert f"wrote {file}, and card.toml beside it" in errors
    said = " ".join(errors.rpartition("go on with\n")[2].replace("\\\n", "").split())
    run, rest = f"genzoo run {file} -n 16", f"genzoo info {file} genzoo add {file}"
    assert said == f"{run} {rest} genzoo ship {file.parent} --into PACKAGE"


def test_a_model_that_cannot_draw_yet_is_not_said_to(
    data_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "vae-mnist", "--data", str(data_folder), "--out", str(tmp_path / "vae")]
    words += [w for stage in (0, 1) for w in ("--set", f"stages.{stage}.batch_size=8")]
    words += ["--set", 'model.conditioners.label.config.classes=["a", "b", "c"]']
    assert main([*words, "--max-steps", "1"]) == 0
    errors = capfd.readouterr().err
    assert "no pictures yet: " in errors
    assert "genzoo run" not in errors.rpartition("go on with")[2]


def test_json(command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["path"] == f"{tmp_path}/run/mine.safetensors"
    assert len(answer["card"]["sha256"]) == 64


@pytest.mark.parametrize(("setting", "title"), [("true", "mine"), ("false", None)])
def test_the_file_says_to_other_programs_what_it_is(
    command: list[str], tmp_path: Path, setting: str, title: str | None
) -> None:
    assert main([*command, "--set", f"modelspec={setting}"]) == 0
    with safe_open(tmp_path / "run" / "mine.safetensors", "pt") as file:
        assert file.metadata().get("modelspec.title") == title


def test_json_says_how_a_training_diverged(
    command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--set", "model.config.fault=nan", "--json"]) == 1
    output, errors = capfd.readouterr()
    (reason,) = json.loads(output).values()
    assert json.loads(output) == {"diverged": reason}
    assert errors.splitlines()[-1] == f"Error: {reason}"
    assert main([*command, "--set", "sed=1", "--json"]) == 2
    assert capfd.readouterr().out == ""


def test_the_run_is_named_after_the_model_unless_told(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command[:-2]) == 0
    assert (tmp_path / "runs" / "mine" / "mine.safetensors").exists()


def test_the_data_folder_can_come_from_the_environment(
    command: list[str], data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DATA", str(data_folder))
    assert main([*command[:2], *command[4:], "--max-steps", "1"]) == 0


def test_max_steps_exports_what_there_is_and_resume_goes_on(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--max-steps", "3"]) == 0
    assert (tmp_path / "run" / "mine.safetensors").exists()
    assert main(command) == 1
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"Error: {tmp_path}/run is not empty; add --resume to go on, or choose another --out"
    )
    assert main([*command, "--resume"]) == 0
    assert "going on at step 3" in capfd.readouterr().err


def test_settings_change_fields_of_the_recipe(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--set", "stages.1.steps=1", "--seed", "9"]) == 0
    with safe_open(tmp_path / "run" / "checkpoint.safetensors", "pt") as file:
        used = json.loads(file.metadata()["recipe"])
    assert used["stages"][1]["steps"] == 1
    assert used["seed"] == 9


def test_values_are_json_or_else_text() -> None:
    changed = override(
        recipe(),
        ["stages.0.phases.copy.lr=1e-4", "name=other", "stages.0.steps=null", "stages.0.epochs=2"],
    )
    assert changed.stages[0].phases["copy"].lr == 1e-4
    assert changed.name == "other"
    assert (changed.stages[0].steps, changed.stages[0].epochs) == (None, 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed", "--set seed: not of the form FIELD=VALUE"),
        ("stages.2.steps=1", "--set stages.2.steps=1: '2' is not an index below 2"),
        ("stages.first.steps=1", "'first' is not an index below 2"),
        ("seed.x=1", "--set seed.x=1: seed has no fields"),
        ("sed=1", "contains unknown field `sed`"),
        ("seed=one", "Expected `int`, got `str` - at `$.seed`"),
        ("stages.0.steps=0", "Expected `int` >= 1 - at `$.stages[0].steps`"),
        ("=1", "contains unknown field"),
    ],
)
def test_settings_that_are_not_of_the_recipe(setting: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(recipe(), [setting])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--device", "tpu"], "Error: no device 'tpu'; this machine has cpu"),
        (["--max-steps", "0"], "0 is not in the range x>=1"),
        (["--threads", "0"], "0 is not in the range x>=1"),
        (["--set", "sed=1"], "Error: --set sed=1: Object contains unknown field `sed`"),
    ],
)
def test_wrong_options_exit_with_2(
    words: list[str],
    message: str,
    command: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main([*command, *words]) == 2
    errors = capfd.readouterr().err.splitlines()
    assert message in errors[-1]
    assert not (tmp_path / "run").exists()


def test_a_missing_extra_is_named_with_how_to_install_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    monkeypatch.delitem(sys.modules, "genzoo_train.command", raising=False)
    assert main(command) == 1
    assert "`pip install 'genzoo[train]'`" in capfd.readouterr().err
