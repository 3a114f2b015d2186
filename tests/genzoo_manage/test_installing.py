"""`genzoo install` and `genzoo uninstall`, with pip itself."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from shelf import Shelf, component, model
from wheels import (
    PIP_AS,
    Place,
    acme,
    errors,
    make_place,
    see_what_is_here,
    write_project,
    write_wheel,
)


def test_a_plugin_is_installed_looked_at_and_removed(place: Place, wheels: Path) -> None:
    wheel = acme(wheels)
    done = place.install(wheel)
    assert done.stdout.splitlines() == [
        "acme_zoo (acme-zoo 1.0)",
        "  models      cat, cow",
        "  commands    paint",
    ]
    said = done.stderr.splitlines()
    trust = next(i for i, line in enumerate(said) if "install what you trust" in line)
    pip = next(i for i, line in enumerate(said) if line.startswith("Processing"))
    assert trust < pip
    assert place.genzoo("paint", "--help").returncode == 0
    [entry] = place.entries()
    assert entry.startswith(f"acme-zoo @ {wheel.as_uri()}#sha256=")
    assert entry.endswith("  # acme-zoo 1.0")

    gone = place.genzoo("uninstall", "Acme_Zoo")
    assert gone.returncode == 0, gone.stderr
    assert gone.stdout == "removed acme_zoo (acme-zoo 1.0)\n"
    assert "and with it cat, cow, paint" in gone.stderr
    assert place.versions() == {}
    assert place.entries() == []


def test_a_folder_is_built_or_stays_in_its_place(place: Place, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project", "my-zoo", model("mine"))
    done = place.install("./project", cwd=tmp_path)
    assert done.stdout == "my_zoo (my-zoo 1.0)\n  models      mine\n"
    [entry] = place.entries()
    assert entry == f"my-zoo @ {project.as_uri()}  # my-zoo 1.0"

    place.install("--editable", "./project", cwd=tmp_path)
    manifest = project / "my_zoo" / "genzoo.toml"
    manifest.write_text(manifest.read_text() + model("newer"))
    assert place.genzoo("info", "newer").returncode == 0
    [entry] = place.entries()
    assert entry == f"-e {project.as_uri()}  # my-zoo 1.0"
    other = make_place(tmp_path / "other", place.home)
    shown = other.genzoo("plugins", "restore", "--dry-run")
    assert shown.stdout == f"my-zoo 1.0: install {project}\n"


def test_what_comes_broken_is_told_with_its_removal_and_not_remembered(
    place: Place, wheels: Path
) -> None:
    table = component("net", "model", "bad_zoo.net:Net")
    bad = write_wheel(wheels, "bad-zoo", table, files={"net.py": "raise ValueError('no net')"})
    done = place.genzoo("install", bad, acme(wheels))
    assert done.returncode == 1
    assert "bad_zoo (bad-zoo 1.0) is broken\n" in done.stdout
    assert "no net" in done.stdout
    assert "  remove it with `genzoo uninstall bad-zoo`\n" in done.stdout
    [error] = errors(done)
    assert "bad_zoo (bad-zoo 1.0) came and is broken" in error
    assert [entry.partition(" ")[0] for entry in place.entries()] == ["acme-zoo"]
    assert place.genzoo("uninstall", "bad-zoo").returncode == 0
    assert place.versions() == {"acme-zoo": "1.0"}


def test_what_is_no_plugin_or_not_there_is_an_error(place: Place, wheels: Path) -> None:
    done = place.genzoo("install", write_wheel(wheels, "plain-one", head=None))
    assert done.returncode == 1
    assert "plain-one brought no plugin of genzoo" in errors(done)[0]
    assert "`pip uninstall plain-one` removes it" in errors(done)[0]
    missing = place.genzoo("install", "acme-zoo>=7")
    assert missing.returncode == 1
    assert "pip could not install acme-zoo>=7" in errors(missing)[0]
    assert "No matching distribution found" in missing.stderr
    assert place.entries() == []


def test_a_newer_version_comes_with_upgrade_alone(place: Place, wheels: Path) -> None:
    where = {"PIP_FIND_LINKS": str(wheels)}
    acme(wheels, "1.0")
    place.install("acme-zoo", **where)
    acme(wheels, "2.0")
    # What is left out is looked at all the same, and said to be left out.
    same = place.install("acme-zoo", GENZOO_DISABLE="acme-zoo", **where)
    assert "Warning: acme_zoo (acme-zoo 1.0) is left out by GENZOO_PLUGINS, GENZOO" in same.stderr
    assert "acme_zoo (acme-zoo 1.0)" in same.stdout
    assert "acme-zoo 1.0 was there already" in same.stderr
    assert place.versions() == {"acme-zoo": "1.0"}
    assert "acme_zoo (acme-zoo 2.0)" in place.install("--upgrade", "acme-zoo", **where).stdout
    assert place.entries() == ["acme-zoo==2.0  # acme-zoo 2.0"]


def test_another_version_of_what_genzoo_needs_is_told(place: Place, wheels: Path) -> None:
    write_wheel(wheels, "rich", head=None, version="99.0")
    done = place.install(acme(wheels, requires=["rich>=99"]), PIP_FIND_LINKS=str(wheels))
    assert "Warning: rich was " in done.stderr
    assert " and is 99.0 now; `pip install rich==" in done.stderr


def test_a_torch_that_does_not_work_any_more_is_an_error(place: Place, wheels: Path) -> None:
    files = {"__init__.py": "raise ImportError('not for this machine')"}
    write_wheel(wheels, "torch", head=None, files=files, version="99.0")
    wheel = acme(wheels, requires=["torch==99.0"])
    done = place.genzoo("install", wheel, PIP_FIND_LINKS=str(wheels))
    assert done.returncode == 1
    [error] = errors(done)
    assert "torch does not work any more: ImportError: not for this machine" in error
    assert "go back with `pip install torch==" in error


def test_a_genzoo_that_does_not_work_any_more_is_an_error(place: Place, wheels: Path) -> None:
    files = {"__init__.py": "raise ImportError('not a click')"}
    write_wheel(wheels, "click", head=None, files=files, version="99.0")
    done = place.genzoo("install", acme(wheels, requires=["click==99"]), PIP_FIND_LINKS=str(wheels))
    assert done.returncode == 1
    assert "genzoo does not work any more: ImportError: not a click" in errors(done)[0]


def test_a_dry_run_shows_the_command_and_runs_nothing(place: Place, wheels: Path) -> None:
    (wheels / "c.txt").write_text("rich<99\n")
    done = place.install("acme-zoo[x]", "-U", "-c", wheels / "c.txt", "--dry-run")
    assert done.stdout.rstrip().endswith(
        f"-m pip install --upgrade --constraint {wheels / 'c.txt'} 'acme-zoo[x]'"
    )
    assert place.entries() == []


@pytest.mark.parametrize("word", ["", " ", "-r requirements.txt", "a\nb"])
def test_what_is_no_requirement_is_refused(place: Place, word: str) -> None:
    done = place.genzoo("install", "--", word)
    assert done.returncode == 2
    assert "is no requirement" in errors(done)[0]
    assert place.genzoo("install").returncode == 2


def test_a_terminal_is_asked_first(place: Place, wheels: Path) -> None:
    words = [str(place.python), "-m", "genzoo", "install", str(acme(wheels))]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=place.environment()
    ) as process:
        os.close(theirs)
        os.write(ours, b"n\n")
        said = b""
        while b"nothing was changed" not in said:
            said += os.read(ours, 1000)
        assert process.wait() == 1
    os.close(ours)
    assert b"install what you trust" in said
    assert place.versions() == {}


def test_an_installer_is_ended_in_order_where_genzoo_is(place: Place, tmp_path: Path) -> None:
    (place.prefix / "uv-receipt.toml").touch()
    began, ended = tmp_path / "began", tmp_path / "ended"
    wait = "while :; do sleep 0.1; done"
    place.program("uv", f"trap 'touch {ended}; exit 1' TERM\ntouch {began}\n{wait}")
    words = [str(place.python), "-P", "-m", "genzoo", "install", "acme"]
    pipe, environment = subprocess.DEVNULL, place.environment()
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
        while not began.exists():
            time.sleep(0.01)
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM
    assert ended.exists()


def test_uninstall_refuses_what_is_no_plugin_and_what_it_cannot_reach(
    place: Place, wheels: Path
) -> None:
    place.pip(acme(wheels))
    refusals = {
        "rich": "`pip uninstall rich`",
        "acme-zooo": "did you mean acme-zoo?",
        "acme_zoo_": "did you mean acme-zoo?",
        "genzoo": "genzoo itself is no plugin",
        "vae": "part of genzoo itself",
    }
    for name, why in refusals.items():
        done = place.genzoo("uninstall", name)
        assert done.returncode == 2, done.stderr
        assert why in errors(done)[0]
    target = place.home / "target"
    shutil.copytree(next(place.prefix.glob("lib/python*/site-packages")), target)
    (target / "here.pth").unlink()
    assert place.genzoo("uninstall", "acme-zoo").returncode == 0
    done = place.genzoo("uninstall", "acme-zoo", PYTHONPATH=str(target))
    assert done.returncode == 1
    assert f"acme-zoo is still there, in {target}" in errors(done)[0]


class TestInstallers:
    """Who installs, by the kind of environment."""

    def test_uv_serves_an_environment_without_pip(self, tmp_path: Path, wheels: Path) -> None:
        place = make_place(tmp_path / "env", tmp_path / "home", pip=False)
        none = place.genzoo("install", "acme-zoo")
        assert none.returncode == 1
        assert "has no pip, and uv is not on PATH" in errors(none)[0]
        asked = place.home / "asked"
        script = f'echo "$@" >> {asked}\naction=$2; python=$4; shift 4\n'
        script += '[ "$1" = --upgrade-package ] && shift 2\n'
        script += '[ "$action" = uninstall ] && set -- --yes "$@"\n'
        place.program("uv", f'{script}{PIP_AS} "$@"')
        acme(wheels)
        place.install("acme-zoo", "--upgrade", PIP_FIND_LINKS=str(wheels))
        assert place.versions() == {"acme-zoo": "1.0"}
        assert place.genzoo("uninstall", "acme-zoo").returncode == 0
        assert place.versions() == {}
        assert asked.read_text().splitlines() == [
            # All that it needs stays as it is: a plain --upgrade would take another torch.
            f"pip install --python {place.python} --upgrade-package acme-zoo acme-zoo",
            f"pip uninstall --python {place.python} acme-zoo",
        ]

    def test_pipx_injects_into_an_environment_of_its_own(
        self, tmp_path: Path, wheels: Path
    ) -> None:
        place = make_place(tmp_path / "pipx" / "venvs" / "genzoo", tmp_path / "home")
        metadata = place.prefix / "pipx_metadata.json"
        metadata.write_text(json.dumps({"injected_packages": {"acme_zoo": {}}}))
        asked = place.home / "asked"
        script = (
            f'echo "$PIPX_HOME" "$@" >> {asked}\n'
            'python="$PIPX_HOME/venvs/genzoo/bin/python"\n'
            'for last; do true; done; set -- "$last"\n'
            f'if grep -q uninject {asked}; then action=uninstall; set -- --yes "$@"; '
            "else action=install; fi\n"
        )
        place.program("pipx", f'{script}{PIP_AS} "$@"')
        wheel = acme(wheels)
        place.install(wheel, "--upgrade")
        assert place.genzoo("uninstall", "acme-zoo").returncode == 0
        home = tmp_path / "pipx"
        assert asked.read_text().splitlines() == [
            f"{home} inject --force --pip-args=--upgrade genzoo {wheel}",
            f"{home} uninject genzoo acme-zoo",
        ]

    def test_what_pipx_did_not_inject_is_removed_by_pip(self, place: Place) -> None:
        (place.prefix / "pipx_metadata.json").write_text("{}")
        place.program("pipx", "")
        Shelf(place.site, place.home).add("acme-zoo")
        done = place.genzoo("uninstall", "acme-zoo", "--dry-run")
        command = f"{place.python} -P -m pip uninstall --yes acme-zoo"
        assert done.stdout == f"PIP_DISABLE_PIP_VERSION_CHECK=1 {command}\n"

    def test_uv_tool_is_served_by_uv_with_a_word_on_its_upgrades(self, place: Place) -> None:
        (place.prefix / "uv-receipt.toml").touch()
        place.program("uv", "")
        constraints = place.home / "c"
        constraints.touch()
        words = ("acme", "--editable", "./x", "--constraint", constraints)
        shown = place.genzoo("install", *words, "--dry-run")
        options = f"--python {place.python} --constraint {constraints}"
        uv = place.home / "bin" / "uv"
        assert shown.stdout == f"{uv} pip install {options} --editable ./x acme\n"
        done = place.genzoo("install", *words)
        assert "after `uv tool upgrade genzoo`, `genzoo plugins restore` brings" in done.stderr

    def test_a_python_of_the_system_is_left_alone(self, place: Place, tmp_path: Path) -> None:
        python = system_python(tmp_path / "system")
        home = {"PYTHONHOME": str(tmp_path / "system")}

        def install(python: Path, **more: str) -> subprocess.CompletedProcess[str]:
            command = [str(python), "-P", "-m", "genzoo", "install", "acme", "--dry-run"]
            environment = place.environment(**more)
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )

        refused = install(python, **home)
        assert refused.returncode == 1
        [error] = errors(refused)
        assert f"{python} is managed by the system" in error
        assert "`pipx install genzoo`" in error
        # An environment that was made from it is nobody else's.
        own = tmp_path / "own"
        create = [str(python), "-m", "venv", "--without-pip", str(own)]
        subprocess.run(create, env=place.environment(**home), check=True)
        see_what_is_here(own)
        for allowed in (
            install(own / "bin" / "python"),
            install(python, **home, PIP_BREAK_SYSTEM_PACKAGES="1"),
        ):
            assert allowed.returncode == 0, allowed.stderr
            assert allowed.stdout.endswith(" -P -m pip install acme\n")


def system_python(prefix: Path) -> Path:
    """A Python that the system's package manager claims, to be run with PYTHONHOME.

    It is the one that runs this, with a standard library of links.
    """
    stdlib = Path(sysconfig.get_path("stdlib"))
    own = prefix / "lib" / stdlib.name
    (own / "site-packages").mkdir(parents=True)
    for entry in stdlib.iterdir():
        if entry.name not in ("site-packages", "EXTERNALLY-MANAGED"):
            (own / entry.name).symlink_to(entry)
    (own / "EXTERNALLY-MANAGED").touch()
    see_what_is_here(prefix)
    (prefix / "bin").mkdir()
    python = prefix / "bin" / stdlib.name
    python.symlink_to(Path(sys.executable).resolve())
    return python
