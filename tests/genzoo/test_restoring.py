"""`genzoo plugins restore` and the ledger that it replays, with pip itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from shelf import model
from wheels import Place, acme, errors, make_place, write_wheel

from genzoo.managing.ledger import Entry, entry_of, read_ledger, record
from genzoo.managing.snapshot import Distribution
from genzoo_core.errors import ConfigError


@pytest.fixture
def other(place: Place, tmp_path: Path) -> Place:
    """A new environment of the same user."""
    return make_place(tmp_path / "other", place.home)


def test_a_new_environment_gets_the_very_versions(place: Place, other: Place, wheels: Path) -> None:
    where = {"PIP_FIND_LINKS": str(wheels)}
    acme(wheels, "1.0")
    kept = write_wheel(wheels, "kept-zoo", model("kept"))
    lost = write_wheel(wheels.parent, "lost-zoo", model("lost"))
    place.install("acme-zoo[x]", kept, lost, **where)
    acme(wheels, "2.0")
    lost.unlink()
    shown = other.genzoo("plugins", "restore", "--dry-run", **where)
    assert shown.returncode == 1
    assert other.versions() == {}
    done = other.genzoo("plugins", "restore", **where)
    assert done.returncode == 1
    assert "1 of 3 cannot be restored: lost-zoo" in errors(done)[0]
    lines = done.stdout.splitlines()
    assert lines[0] == "acme-zoo 1.0: install acme-zoo[x]==1.0"
    assert lines[1].startswith(f"kept-zoo 1.0: install kept-zoo @ {kept.as_uri()}#sha256=")
    assert lines[2].endswith(f"it came from {lost}, which is not there any more")
    assert other.versions() == {"acme-zoo": "1.0", "kept-zoo": "1.0"}
    again = other.genzoo("plugins", "restore", "--dry-run")
    assert again.stdout.startswith("acme-zoo 1.0: already there\nkept-zoo 1.0: already there\n")


def test_a_wheel_that_is_not_the_same_any_more_is_refused(place: Place, wheels: Path) -> None:
    url = acme(wheels).as_uri()
    entry = Entry(url, "acme-zoo", "1.0", "archive", url=url, sha256="0" * 64)
    place.ledger.parent.mkdir()
    held = {"version": 1, "installed": [msgspec.to_builtins(entry)]}
    place.ledger.write_text(json.dumps(held))
    done = place.genzoo("plugins", "restore")
    assert done.returncode == 1
    assert "1 of 1 cannot be restored: acme-zoo" in errors(done)[0]
    assert place.versions() == {}


def test_a_ledger_is_read_as_far_as_it_goes(place: Place) -> None:
    place.ledger.parent.mkdir()
    good = {"requirement": "a", "distribution": "a", "version": "1", "kind": "index"}
    held = {"version": 1, "installed": [3, {**good, "later": True}, {"version": 2}]}
    place.ledger.write_text(json.dumps(held))
    done = place.genzoo("plugins", "restore", "--dry-run")
    assert done.stdout == "a 1: install a==1\n"
    assert done.stderr.count("Warning: ") == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is damaged"),
        ("[]", "no list `installed`"),
        ('{"version": 2, "installed": []}', "is of version 2; this genzoo knows 1"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_an_error_and_left_as_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    text: str,
    why: str,
) -> None:
    monkeypatch.setenv("GENZOO_CONFIG", str(tmp_path))
    file = tmp_path / "installed.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why):
        read_ledger()
    record(Entry("a", "a", "1", "index"))
    assert "`genzoo plugins restore` will not know of this" in capfd.readouterr().err
    assert file.read_text() == text


def test_a_password_does_not_get_into_the_ledger() -> None:
    direct = {
        "url": "https://me:secret@host.example/acme.git",
        "vcs_info": {"vcs": "git", "commit_id": "abc123"},
        "subdirectory": "py",
    }
    found = Distribution("acme", "1.0", "/site", 0, True, direct)
    entry = entry_of(found, "acme[x] @ git+https://me:secret@host.example/acme.git")
    assert "secret" not in str(entry)
    assert entry.exactly == ("acme[x] @ git+https://host.example/acme.git@abc123#subdirectory=py")


def test_two_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from genzoo.managing.ledger import Entry, record\n"
        "for i in range(5): n = f'{sys.argv[1]}{i}'; record(Entry(n, n, '1', 'index'))"
    )
    environment = {**os.environ, "GENZOO_CONFIG": str(tmp_path)}
    command = [sys.executable, "-c", code]
    writers = [subprocess.Popen([*command, name], env=environment) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    held = json.loads((tmp_path / "installed.json").read_text())["installed"]
    assert {e["distribution"] for e in held} == {f"{n}{i}" for n in "ab" for i in range(5)}


def test_without_a_ledger_there_is_nothing_to_do(place: Place) -> None:
    done = place.genzoo("plugins", "restore")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to restore" in done.stderr
