"""`genzoo doctor`, where all is well and where it is not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from shelf import GENZOO, Shelf, model
from wheels import Place, make_place, write_wheel

from genzoo.managing.doctor.findings import Finding, guarded
from genzoo.managing.doctor.folders import look_at_cache, look_at_ledger
from genzoo.managing.doctor.installed import look_at_plugins
from genzoo.managing.doctor.interpreter import look_at_completion, look_at_path
from genzoo.managing.doctor.variables import look_at_variables
from genzoo.managing.requirements import needs_of
from genzoo_core.errors import UsageError

NAMES = (
    "python",
    "platform",
    "environment",
    "genzoo",
    "requires",
    "torch",
    "extra",
    "cache",
    "index",
    "disk",
    "config",
    "ledger",
    "plugins",
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / "env", tmp_path / "home")


def texts(findings: object, state: str) -> list[str]:
    """What was found in a state, with the advice."""
    assert isinstance(findings, list)
    return [f"{f.text}; {f.advice}" for f in findings if f.state == state]


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
    assert said["requires"]["text"].startswith("torch 1.0 is installed, torch>=")
    assert said["requires"]["advice"].startswith("`pip install 'torch>=")
    assert "no wheel for this machine" in said["torch"]["text"]
    assert "GENZOO_PLUGINS names 'not-there'" in said["plugins"]["text"]
    assert all(f["advice"] for f in problems if f["topic"] != "torch")


def test_a_look_that_fails_does_not_end_the_others() -> None:
    def failing(error: BaseException) -> object:
        yield Finding("x", "before")
        raise error

    for error, text in (
        (UsageError("wrong", "do that"), "wrong; do that"),
        (ValueError("odd"), "it cannot be looked at: ValueError: odd; "),
        (SystemExit(3), "it cannot be looked at: SystemExit: 3; "),
    ):
        found = list(guarded("x", lambda error=error: failing(error)))  # type: ignore[misc]
        assert [f.state for f in found] == ["ok", "problem"]
        assert texts(found, "problem") == [text]


def test_broken_plugins_and_shared_names_are_found_and_code_runs_with_check_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")
    shelf.add("bad-one", head="no")
    folder = shelf.add("acme", model("x"))
    shelf.add("other", model("x"), files={"__init__.py": "raise ValueError('no')"})
    found = list(look_at_plugins(no_plugins=False, check=False))
    [problem] = texts(found, "problem")
    assert "bad_one (bad-one 1.0) is broken: genzoo.toml is not TOML" in problem
    assert "uninstall bad-one`" in problem
    assert any("model x is ambiguous" in note for note in texts(found, "note"))
    assert not (folder / "imported").exists()
    checked = list(look_at_plugins(no_plugins=False, check=True))
    assert "other (other 1.0) is broken" in texts(checked, "problem")[1]
    assert (folder / "imported").exists()


def test_folders_that_cannot_be_written_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("GENZOO_CACHE", str(file))
    monkeypatch.setenv("GENZOO_CONFIG", str(file))
    assert "set GENZOO_CACHE to" in texts(list(look_at_cache()), "note")[0]
    [finding] = list(guarded("config", look_at_ledger))[:1]
    assert (finding.state, "GENZOO_CONFIG" in finding.advice) == ("note", True)
    assert list(tmp_path.iterdir()) == [file]


def test_plugins_of_the_ledger_that_are_not_here_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_CONFIG", str(tmp_path))
    held = {"requirement": "a", "distribution": "not-here", "version": "1", "kind": "index"}
    (tmp_path / "installed.json").write_text(json.dumps({"version": 1, "installed": [held]}))
    [note] = texts(list(look_at_ledger()), "note")
    assert "not-here; `genzoo plugins restore`" in note


def test_secrets_are_not_shown_and_typing_errors_are(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "HF_TOKEN": "hf_1",
        "HUGGING_FACE_HUB_TOKEN": "hf_2",
        "HF_ENDPOINT": "https://me:hf_3@hub.example/x",
        "GENZOO_DISABEL": "acme",
        "HF_HOME": "/somewhere",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    found = list(look_at_variables())
    said = "\n".join(finding.text for finding in found)
    assert "hf_" not in said
    assert "HF_ENDPOINT=https://…@hub.example/x" in said
    assert "HF_HOME=/somewhere" in said
    [note] = [n for n in texts(found, "note") if "GENZOO_DISABEL" in n]
    assert "did you mean GENZOO_DISABLE" in note


def test_another_genzoo_on_the_path_is_noted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(GENZOO.parent))
    assert texts(list(look_at_path()), "ok") == [f"{GENZOO} is this genzoo; "]
    place.program("genzoo", "exit 0")
    monkeypatch.setenv("PATH", str(place.home / "bin"))
    [note] = texts(list(look_at_path()), "note")
    assert note.startswith(f"{place.home / 'bin' / 'genzoo'} comes first on PATH")
    monkeypatch.setenv("PATH", str(place.home))
    assert "no genzoo is on PATH" in texts(list(look_at_path()), "note")[0]


def test_completion_is_looked_for_in_the_shells_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/zsh")
    assert "not set up for zsh" in texts(list(look_at_completion()), "note")[0]
    (tmp_path / ".zshrc").write_text('eval "$(genzoo completion zsh)"\n')
    assert "set up for zsh" in texts(list(look_at_completion()), "ok")[0]
    monkeypatch.setenv("SHELL", "/bin/other")
    assert list(look_at_completion()) == []


def test_what_genzoo_requires_is_read_from_its_metadata() -> None:
    needs = {need.name: need for need in needs_of() if not need.extra}
    assert {"torch", "msgspec", "click"} <= set(needs)
    assert all(need.problem == "" for need in needs.values())
    assert {"train", "eval"} <= {need.extra for need in needs_of()}
    old = needs["torch"]._replace(installed="1.0")
    assert old.problem == f"torch 1.0 is installed, torch{old.wanted} is required"
    assert needs["torch"]._replace(installed="99.0+cpu").problem == ""
    assert needs["torch"]._replace(installed=None).problem == "torch is not installed"
