"""`genzoo plugins restore` and the ledger that it replays, with pip itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from painting import Cli
from shelf import Shelf, command, model
from wheels import Place, acme, errors, make_place, write_wheel


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
    entry = {"requirement": url, "distribution": "acme-zoo", "version": "1.0"}
    entry |= {"kind": "archive", "url": url, "sha256": "0" * 64}
    place.ledger.parent.mkdir()
    held = {"version": 1, "installed": [entry]}
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


UNREADABLE = [
    ("{", "is damaged"),
    ("[]", "no list `installed`"),
    ('{"version": 2, "installed": []}', "is of version 2; this genzoo knows 1"),
]


@pytest.mark.parametrize(("text", "why"), UNREADABLE)
def test_a_ledger_that_cannot_be_read_is_an_error(
    text: str, why: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_CONFIG", str(tmp_path))
    file = tmp_path / "installed.json"
    file.write_text(text)
    done = cli("plugins", "restore")
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert why in done.err
    assert file.read_text() == text


def install_nothing(place: Place) -> None:
    """Have an installer that does nothing: what is to come is there already."""
    (place.prefix / "uv-receipt.toml").touch()
    place.program("uv", "")


def test_a_ledger_that_cannot_be_read_is_left_as_it_is(place: Place) -> None:
    install_nothing(place)
    Shelf(place.site, place.home).add("acme-zoo")
    place.ledger.parent.mkdir()
    for text, why in UNREADABLE:
        place.ledger.write_text(text)
        [warning] = [
            line for line in place.install("acme-zoo").stderr.splitlines() if "Warning: " in line
        ]
        assert "`genzoo plugins restore` will not know of this" in warning
        assert why in warning
        assert place.ledger.read_text() == text


def test_a_password_does_not_get_into_the_ledger(place: Place, tmp_path: Path) -> None:
    folder = Shelf(place.site, place.home).add("acme")
    direct = {
        "url": "https://me:secret@host.example/acme.git",
        "vcs_info": {"vcs": "git", "commit_id": "abc123"},
        "subdirectory": "py",
    }
    (folder.parent / "acme-1.0.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    install_nothing(place)
    place.install("acme[x] @ git+https://me:secret@host.example/acme.git")
    assert "secret" not in place.ledger.read_text()
    [entry] = place.entries()
    assert entry["kind"] == "repository"
    shown = make_place(tmp_path / "other", place.home).genzoo("plugins", "restore", "--dry-run")
    exactly = "acme[x] @ git+https://host.example/acme.git@abc123#subdirectory=py"
    assert shown.stdout == f"acme 1.0: install {exactly}\n"


def test_what_only_looks_like_a_distribution_is_not_passed_on_as_an_option(place: Place) -> None:
    place.ledger.parent.mkdir(parents=True)
    held = {"requirement": "x", "distribution": "--log=here", "version": "1", "kind": "index"}
    place.ledger.write_text(json.dumps({"version": 1, "installed": [held]}))
    done = place.genzoo("plugins", "restore")
    assert done.returncode == 1
    assert "'--log=here==1' is no requirement" in done.stderr
    assert "$ " not in done.stderr
    assert not list(place.home.glob("here*"))


LONG = 100_000

MEET = """\
import pathlib, sys, time
prefix = pathlib.Path(sys.prefix)
met = prefix.parent / "met"
(met / prefix.name).touch()
while len(list(met.iterdir())) < 2:
    time.sleep(0.001)
import click
paint = click.Command("paint")
"""
"""A module that waits until two environments import it: a look at it is what comes last."""


def test_two_that_write_at_once_lose_nothing(place: Place, other: Place, tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    # So long a ledger takes its time, and the two are sure to want it together.
    held = {"requirement": "x", "version": "1", "kind": "index"}
    many = [{**held, "distribution": f"x{i}"} for i in range(LONG)]
    place.ledger.parent.mkdir()
    place.ledger.write_text(json.dumps({"version": 1, "installed": many}))
    install_nothing(place)  # which serves the other too
    (other.prefix / "uv-receipt.toml").touch()
    writers = []
    for name, where in (("one", place), ("two", other)):
        shelf = Shelf(where.site, where.home)
        shelf.add(name, command("paint", f"{name}.cli:paint"), files={"cli.py": MEET})
        words = [str(where.python), "-P", "-m", "genzoo", "install", name]
        writers.append(subprocess.Popen(words, env=where.environment(), stderr=subprocess.DEVNULL))
    assert [writer.wait() for writer in writers] == [0, 0]
    names = {entry["distribution"] for entry in place.entries()}
    assert names == {"one", "two", *(entry["distribution"] for entry in many)}


def test_without_a_ledger_there_is_nothing_to_do(place: Place) -> None:
    done = place.genzoo("plugins", "restore")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to restore" in done.stderr
