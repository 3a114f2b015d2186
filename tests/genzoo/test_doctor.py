"""`genzoo doctor`, where all is well and where it is not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from platformdirs import PlatformDirs
from shelf import GENZOO, Shelf, model
from wheels import Place, make_place, write_wheel

from genzoo.cli import main
from genzoo.cli.doctor.imports import failing, module_of
from genzoo.plugins.distributions import installed

NAMES = (
    "python",
    "platform",
    "environment",
    "genzoo",
    "requires",
    "torch",
    "extra",
    "cache",
    "manifests",
    "disk",
    "config",
    "installed",
    "plugins",
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / "env", tmp_path / "home")


class Found(NamedTuple):
    """What `genzoo doctor` found, line by line."""

    lines: list[dict[str, str]]

    def states(self, *topics: str) -> list[str]:
        return [line["state"] for line in self.lines if line["topic"] in topics]

    def texts(self, topic: str, state: str) -> list[str]:
        """What it says of a topic in a state, with the advice."""
        lines = [each for each in self.lines if (each["topic"], each["state"]) == (topic, state)]
        return [f"{line['text']}; {line['advice']}" for line in lines]


Doctor = Callable[..., Found]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Doctor:
    """Runs `genzoo doctor` in this process, where it looks at torch in a fresh one.

    That one finds a torch that fails at once: these tests are about the rest.
    """
    (tmp_path / "no-torch").mkdir()
    (tmp_path / "no-torch" / "torch.py").write_text("raise ImportError('none here')")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GENZOO_CONFIG", str(tmp_path / "config"))

    def run(*words: str) -> Found:
        paths = [str(tmp_path / "no-torch"), os.environ.get("PYTHONPATH", "")]
        capfd.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
            code = main(["doctor", "--json", *words])
        found = json.loads(capfd.readouterr().out)
        assert found["problems"] >= code == 1  # that torch
        return Found(found["findings"])

    return run


def test_where_all_is_well_it_says_what_there_is(shelf: Shelf) -> None:
    folder = shelf.add("acme", model("cat"))
    done = shelf.genzoo("doctor", HF_TOKEN="hf_secret", GENZOO_CONFIG=str(shelf.site.parent / "c"))
    assert done.returncode == 0, done.stdout
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert {state for state, _, _ in lines} <= {"ok", "note"}
    assert [topic for _, topic, _ in lines if topic in NAMES and topic != "extra"] == [
        topic for topic in NAMES if topic != "extra"
    ]
    said = {topic: text for _, topic, text in lines}
    assert sys.executable in said["python"]
    assert "computes, with" in said["torch"]
    assert said["plugins"].endswith("acme (acme 1.0)")
    assert "hf_secret" not in done.stdout + done.stderr
    assert "HF_TOKEN=(set, and not shown)" in done.stdout
    assert not (folder / "imported").exists()


def test_what_does_not_work_is_a_problem_with_what_to_do(place: Place, tmp_path: Path) -> None:
    lacking = {"__init__.py": "raise ImportError('no wheel for this machine')"}
    torch = write_wheel(tmp_path, "torch", head=None, files=lacking, version="1.0")
    place.pip(torch)
    done = place.genzoo("doctor", "--json", GENZOO_PLUGINS="not-there")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    problems = [f for f in found["findings"] if f["state"] == "problem"]
    assert found["problems"] == len(problems)
    said = {f["topic"]: f for f in problems}
    wanted = Requirement(next(r for r in metadata.requires("genzoo") or [] if r[:5] == "torch"))
    required = f"torch{wanted.specifier} is required"
    assert said["requires"]["text"] == f"torch 1.0 is installed, {required}"
    assert said["requires"]["advice"].startswith("`pip install 'torch>=")
    assert "no wheel for this machine" in said["torch"]["text"]
    assert "GENZOO_PLUGINS names 'not-there'" in said["plugins"]["text"]
    assert all(f["advice"] for f in problems if f["topic"] != "torch")


class Failing(metadata.DistributionFinder):
    """A finder of packages, as editable installations bring, which fails at torch."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def find_spec(self, *_: Any) -> None:
        return None

    def find_distributions(self, context: Any = None) -> list[Any]:
        if context is not None and context.name == "torch":
            raise self.error
        return []


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(3)])
def test_a_look_that_fails_does_not_end_the_others(
    error: BaseException, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Failing(error), *sys.meta_path])
    found = doctor()
    assert found.states("genzoo", "requires") == ["ok", "problem"]
    said = f"it cannot be looked at: {type(error).__name__}: {error}; "
    assert found.texts("genzoo", "problem") == [said]
    assert found.texts("extra", "problem") == [said]
    assert {"python", "cache", "config", "plugins"} <= {line["topic"] for line in found.lines}


def test_a_look_that_ends_with_a_clear_error_says_it(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    ledger = tmp_path / "config" / "installed.txt"
    ledger.write_bytes(b"\xff")
    found = doctor()
    assert (found.states("config"), found.states("installed")) == (["ok"], ["problem"])
    [problem] = found.texts("installed", "problem")
    assert problem.startswith(f"{ledger} cannot be read: not UTF-8")
    assert problem.endswith(f"repair it, or put it aside with `mv {ledger} {ledger}.old`")
    assert "plugins" in {line["topic"] for line in found.lines}


def test_broken_plugins_and_shared_names_are_found_and_code_runs_with_check_alone(
    shelf: Shelf, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")
    shelf.add("bad-one", head="no")
    folder = shelf.add("acme", model("x"))
    shelf.add("other", model("x"), files={"__init__.py": "raise ValueError('no')"})
    found = doctor()
    [problem] = found.texts("plugins", "problem")
    assert "bad_one (bad-one 1.0) is broken: genzoo.toml is not TOML" in problem
    assert "uninstall bad-one`" in problem
    assert any("model x is ambiguous" in note for note in found.texts("names", "note"))
    assert not (folder / "imported").exists()
    checked = doctor("--check")
    assert "other (other 1.0) is broken" in checked.texts("plugins", "problem")[1]
    assert (folder / "imported").exists()


def test_folders_that_cannot_be_written_are_noted(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    file = tmp_path / "here" / "file"
    file.touch()
    monkeypatch.setenv("GENZOO_CACHE", str(file))
    monkeypatch.setenv("GENZOO_CONFIG", str(file))
    found = doctor()
    assert "set GENZOO_CACHE to" in found.texts("cache", "note")[0]
    assert found.states("config")[0] == "note"
    assert "GENZOO_CONFIG" in found.texts("config", "note")[0]
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("variables", [(), ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")])
def test_the_folders_are_those_of_the_platform_unless_variables_name_others(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in variables:
        monkeypatch.setenv(name, str(tmp_path / name))
    topics = {"cache": "GENZOO_CACHE", "config": "GENZOO_CONFIG", "models": "GENZOO_MODELS"}
    found = doctor()
    overridden = {"GENZOO_CACHE": "cache", "GENZOO_CONFIG": "config"}
    assert [found.texts(topic, "ok") for topic in overridden.values()] == [
        [f"{tmp_path / folder}; "] for folder in overridden.values()
    ]
    for name in topics.values():
        monkeypatch.delenv(name, raising=False)
    dirs = PlatformDirs("genzoo", appauthor=False)
    found = doctor()
    assert found.texts("cache", "ok") == [f"{dirs.user_cache_dir}; "]
    assert found.texts("config", "ok") == [f"{dirs.user_config_dir}; "]
    assert f"your own list is {dirs.user_data_dir}/models.json: empty" in str(found.lines)


def test_plugins_of_the_ledger_that_are_not_here_are_noted(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    lines = ["# mine", "click==1  # click 1", "not-here[x]==1  # not-here 1"]
    lines += ["-e file:///gone  # gone 1", "", "a.b @ http://host.example/a#sha256=1  # a-b 1"]
    (tmp_path / "config" / "installed.txt").write_text("\n".join(lines))
    [note] = doctor().texts("installed", "note")
    assert ": not-here, gone, a.b; `genzoo plugins restore`" in note


def test_secrets_are_not_shown_and_typing_errors_are(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "HF_TOKEN": "hf_1",
        "HUGGING_FACE_HUB_TOKEN": "hf_2",
        "HF_ENDPOINT": "https://me:hf_3@hub.example/x",
        "GENZOO_DISABEL": "acme",
        "HF_HOME": "/somewhere",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    found = doctor()
    assert "hf_" not in str(found.lines)
    said = [line["text"] for line in found.lines if line["topic"] == "variable"]
    assert "HF_ENDPOINT=https://…@hub.example/x" in said
    assert "HF_HOME=/somewhere" in said
    [note] = [n for n in found.texts("variable", "note") if "GENZOO_DISABEL" in n]
    assert "did you mean GENZOO_DISABLE" in note


def test_another_genzoo_on_the_path_is_noted(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(GENZOO.parent))
    assert doctor().texts("command", "ok") == [f"{GENZOO} is this genzoo; "]
    other = tmp_path / "bin" / "genzoo"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 0\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    [note] = doctor().texts("command", "note")
    assert note.startswith(f"{other} comes first on PATH")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no genzoo is on PATH" in doctor().texts("command", "note")[0]


def test_completion_is_looked_for_in_the_shells_files(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/zsh")
    assert "not set up for zsh" in doctor().texts("completion", "note")[0]
    (tmp_path / ".zshrc").write_text('eval "$(genzoo completion zsh)"\n')
    assert "set up for zsh" in doctor().texts("completion", "ok")[0]
    monkeypatch.setenv("SHELL", "/bin/other")
    assert doctor().states("completion") == []


def test_what_genzoo_requires_is_read_from_its_metadata(doctor: Doctor, shelf: Shelf) -> None:
    found = doctor()
    assert found.states("requires") == ["ok"]
    [needs] = found.texts("requires", "ok")
    names = {need.split()[0] for need in needs.split(", ")}
    assert {"torch", "msgspec", "click"} <= names
    extras = [line["text"] for line in found.lines if line["topic"] == "extra"]
    assert {"train", "eval"} <= {text.replace(":", ",").partition(",")[0] for text in extras}
    info = shelf.site / "torch-0.dist-info"  # it hides the one that is installed
    info.mkdir()
    about = "Metadata-Version: 2.1\nName: torch\n"
    (info / "METADATA").write_text(f"{about}Version: 99.0+cpu\n")
    assert doctor().states("requires") == ["ok"]
    (info / "METADATA").write_text(about)
    assert "torch is not installed; " in doctor().texts("requires", "problem")[0]


def test_what_is_installed_and_cannot_be_imported_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = {"raises": "raise ImportError('no wheel')", "exits": "raise SystemExit(3)"}
    bodies |= {"fine": "x = 1", "dies": "import os\nos._exit(7)"}
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = failing(["raises", "dies", "fine", "exits", "not_there", "json"])
    assert found == {
        "raises": "ImportError: no wheel",
        "dies": "importing it ends the process, with code 7",
        "exits": "SystemExit: 3",
        "not_there": "ModuleNotFoundError: No module named 'not_there'",
    }
    (tmp_path / "torch.py").write_text("raise ImportError('none here')")
    assert failing(["raises", "fine"]) == {}  # a look of its own says what is wrong with torch


@pytest.mark.parametrize(
    ("name", "module"),
    [("pillow", "PIL"), ("scikit-learn", "sklearn"), ("tomli-w", "tomli_w"), ("click", "click")],
)
def test_a_distribution_is_imported_by_the_name_of_its_package(name: str, module: str) -> None:
    distribution = installed(name)
    assert distribution is not None
    assert module_of(distribution) == module


@pytest.mark.long
def test_what_cannot_be_imported_is_said_with_what_to_do(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    for name in ("emoji", "wandb"):
        (tmp_path / "broken" / f"{name}.py").write_text("raise ImportError('no wheel')")
    done = shelf.genzoo("doctor", "--json", PYTHONPATH=str(tmp_path / "broken"))
    found = Found(json.loads(done.stdout)["findings"])
    why = "is installed and cannot be imported: ImportError: no wheel"
    advice = "`pip install --force-reinstall"
    assert found.texts("requires", "problem") == [f"emoji {why}; {advice} emoji`"]
    assert found.texts("extra", "note") == [f"wandb: wandb {why}; {advice} wandb`"]
