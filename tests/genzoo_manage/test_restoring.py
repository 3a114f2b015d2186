"""`genzoo plugins restore` and the ledger that it replays, with pip itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
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
    place.ledger.parent.mkdir()
    place.ledger.write_text(f"acme-zoo @ {url}#sha256={'0' * 64}  # acme-zoo 1.0\n")
    done = place.genzoo("plugins", "restore")
    assert done.returncode == 1
    assert "1 of 1 cannot be restored: acme-zoo" in errors(done)[0]
    assert place.versions() == {}


def test_a_ledger_is_read_as_far_as_it_goes(place: Place) -> None:
    place.ledger.parent.mkdir()
    place.ledger.write_text("# mine\n{}\n\n  a==1  # a 1\nb\nc[x] >= 2, == 3\n--index-url=u\n")
    done = place.genzoo("plugins", "restore", "--dry-run")
    plans = ["a 1: install a==1", "b: install b", "c 3: install c[x] >= 2, == 3"]
    assert done.stdout.splitlines() == plans
    assert done.stderr.count("Warning: ") == 2
    assert "line 2 is left out" in done.stderr


def test_lines_that_a_user_wrote_stay(place: Place) -> None:
    install_nothing(place)
    for name in ("acme-zoo", "b-zoo"):
        Shelf(place.site, place.home).add(name)
    place.ledger.parent.mkdir()
    lines = ["# mine", "?", "", "acme-zoo>=0", "", "c==1"]
    place.ledger.write_text("\n".join(lines))
    place.install("acme-zoo", "b-zoo")
    came = ["acme-zoo==1.0  # acme-zoo 1.0", "b-zoo==1.0  # b-zoo 1.0"]
    assert place.ledger.read_text().splitlines() == [*lines[:3], *lines[4:], *came]


UNREADABLE = [
    (b"a==1\n\xff", "not UTF-8"),
    (b"a" * (2**25 + 1), "it has more than 33,554,432 bytes"),
]


@pytest.mark.parametrize(("content", "why"), UNREADABLE)
def test_a_ledger_that_cannot_be_read_is_an_error(content: bytes, why: str, place: Place) -> None:
    place.ledger.parent.mkdir()
    place.ledger.write_bytes(content)
    done = place.genzoo("plugins", "restore")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert why in done.stderr
    assert place.ledger.read_bytes() == content


def install_nothing(place: Place) -> None:
    """Have an installer that does nothing: what is to come is there already."""
    (place.prefix / "uv-receipt.toml").touch()
    place.program("uv", "")


def test_a_ledger_that_cannot_be_read_is_left_as_it_is(place: Place) -> None:
    install_nothing(place)
    Shelf(place.site, place.home).add("acme-zoo")
    place.ledger.parent.mkdir()
    for content, why in UNREADABLE:
        place.ledger.write_bytes(content)
        [warning] = [
            line for line in place.install("acme-zoo").stderr.splitlines() if "Warning: " in line
        ]
        assert "`genzoo plugins restore` will not know of this" in warning
        assert why in warning
        assert place.ledger.read_bytes() == content


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
    assert entry.startswith("acme[x] @ git+https://host.example/")
    shown = make_place(tmp_path / "other", place.home).genzoo("plugins", "restore", "--dry-run")
    exactly = "acme[x] @ git+https://host.example/acme.git@abc123#subdirectory=py"
    assert shown.stdout == f"acme 1.0: install {exactly}\n"


def test_what_only_looks_like_a_distribution_is_not_passed_on_as_an_option(place: Place) -> None:
    place.ledger.parent.mkdir(parents=True)
    place.ledger.write_text("--log=here==1  # --log=here 1\n")
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
    many = [f"x{i}==1  # x{i} 1" for i in range(LONG)]
    place.ledger.parent.mkdir()
    place.ledger.write_text("\n".join(many))
    install_nothing(place)  # which serves the other too
    (other.prefix / "uv-receipt.toml").touch()
    writers = []
    for name, where in (("one", place), ("two", other)):
        shelf = Shelf(where.site, where.home)
        shelf.add(name, command("paint", f"{name}.cli:paint"), files={"cli.py": MEET})
        words = [str(where.python), "-P", "-m", "genzoo", "install", name]
        writers.append(subprocess.Popen(words, env=where.environment(), stderr=subprocess.DEVNULL))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert {*place.entries()} == {"one==1.0  # one 1.0", "two==1.0  # two 1.0", *many}


def test_without_a_ledger_there_is_nothing_to_do(place: Place) -> None:
    done = place.genzoo("plugins", "restore")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to restore" in done.stderr
