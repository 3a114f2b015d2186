"""Wheels that tests make, and virtual environments to install them into."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import posixpath
import stat
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shelf import command, model

HIDDEN = ("PIP_", "UV_", "PIPX_", "GENZOO_", "PYTHONPATH", "VIRTUAL_ENV")
"""What of the environment's variables could change what an installer does."""


def write_wheel(
    folder: Path,
    distribution: str,
    *tables: str,
    head: str | None = "api = 2",
    files: Mapping[str, str] | None = None,
    version: str = "1.0",
    requires: Sequence[str] = (),
    editable: bool = False,
) -> Path:
    """Write a wheel with one package, a plugin of genzoo unless `head` is None.

    Args:
        folder: Where to.
        distribution: Its name; the package's with underscores.
        *tables: What the manifest says after `head`.
        head: How the manifest begins.
        files: Files of the package by name.
        version: Its version.
        requires: What it requires.
        editable: Leave the package out, for one that stays in its project.
    """
    package = distribution.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    given = {} if editable else {"__init__.py": "", "genzoo.toml": "\n".join([head or "", *tables])}
    if head is None:
        given.pop("genzoo.toml", None)
    given.update(files or {})
    content = {posixpath.normpath(f"{package}/{name}"): text for name, text in given.items()}
    metadata = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    content[f"{info}/METADATA"] = "\n".join([*metadata, ""])
    content[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if head is not None:
        content[f"{info}/entry_points.txt"] = f"[genzoo]\n{package} = {package}\n"
    record = [
        f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in content.items()
    ]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    path = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in content.items():
            wheel.writestr(name, text)
    return path


BACKEND = """
import pathlib, shutil
HERE = pathlib.Path(__file__).parent

def _give(kind, folder):
    (wheel,) = (HERE / kind).glob("*.whl")
    shutil.copy(wheel, folder)
    return wheel.name

def build_wheel(folder, *_):
    return _give("built", folder)

def build_editable(folder, *_):
    return _give("editable", folder)
"""
"""A build backend that needs nothing, so that pip can build without an index."""


def write_project(folder: Path, distribution: str, *tables: str) -> Path:
    """Write the project of a plugin, which pip can build and install, also to stay in place."""
    package = folder / distribution.replace("-", "_")
    for new in (folder / "built", folder / "editable", package):
        new.mkdir(parents=True)
    write_wheel(folder / "built", distribution, *tables)
    (package / "__init__.py").touch()
    (package / "genzoo.toml").write_text("\n".join(["api = 2", *tables]))
    link = {f"../{distribution}.pth": f"{folder}\n"}
    write_wheel(folder / "editable", distribution, files=link, editable=True)
    (folder / "backend.py").write_text(BACKEND)
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (folder / "pyproject.toml").write_text(system)
    return folder


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Place:
    """A virtual environment that sees genzoo and what is beside it, and a user of it.

    Attributes:
        prefix: Its folder.
        home: The user's cache, configuration and programs lie below it.
    """

    prefix: Path
    home: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        """The folder that its distributions are installed in."""
        (site,) = self.prefix.glob("lib/python*/site-packages")
        return site

    @property
    def ledger(self) -> Path:
        return self.home / "config" / "installed.txt"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of the user's programs. No package index is asked."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(HIDDEN)}
        own = {
            "PATH": os.pathsep.join([str(self.home / "bin"), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "GENZOO_CACHE": str(self.home / "cache"),
            "GENZOO_CONFIG": str(self.home / "config"),
            "GENZOO_MODELS": str(self.home / "models"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
        }
        return {**kept, **own, **more}

    def genzoo(
        self, *words: str | Path, cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run genzoo there."""
        return subprocess.run(
            [str(self.python), "-P", "-m", "genzoo", *map(str, words)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            cwd=cwd or self.home,
            env=self.environment(**more),
            check=False,
        )

    def install(
        self, *words: str | Path, cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `genzoo install` there, which must succeed."""
        done = self.genzoo("install", *words, cwd=cwd, **more)
        assert done.returncode == 0, done.stderr
        return done

    def pip(self, *words: str | Path) -> None:
        """Install there with pip alone."""
        command = [str(self.python), "-P", "-m", "pip", "install", "-q", "--no-deps"]
        subprocess.run([*command, *map(str, words)], env=self.environment(), check=True)

    def entries(self) -> list[str]:
        """The lines of the ledger without comments of their own."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return [line for line in lines if not line.startswith("#")]

    def versions(self) -> dict[str, str]:
        """The plugins' distributions that are installed beside genzoo's own."""
        done = self.genzoo("plugins", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["plugins"]
        return {p["distribution"]: p["version"] for p in found if not p["builtin"]}

    def program(self, name: str, script: str) -> None:
        """Put a program on the user's path."""
        path = self.home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def make_place(prefix: Path, home: Path, *, pip: bool = True) -> Place:
    """Make an environment of its own, in which what is installed here is seen too.

    Args:
        prefix: Its folder, which is not there yet.
        home: The user's folder.
        pip: Whether it sees pip.
    """
    venv.create(prefix, with_pip=False, symlinks=True)
    home.mkdir(parents=True, exist_ok=True)
    here = Path(sysconfig.get_path("purelib"))
    if not pip:
        there = home / "without-pip"
        there.mkdir()
        for entry in here.iterdir():
            if entry.name.partition("-")[0] != "pip":
                (there / entry.name).symlink_to(entry)
        here = there
    see_what_is_here(prefix, here)
    return Place(prefix, home)


def see_what_is_here(prefix: Path, here: Path | None = None) -> None:
    """Let an environment see what is installed in this one, or in the folder `here`."""
    here = here or Path(sysconfig.get_path("purelib"))
    (site,) = prefix.glob("lib/python*/site-packages")
    (site / "here.pth").write_text(f"import site; site.addsitedir({str(here)!r})\n")


PIP_AS = f'exec {sys.executable} -P -m pip --python "$python" "$action" '
"""The rest of a script that stands for another installer, and has pip do its work."""


def acme(wheels: Path, version: str = "1.0", **fields: str) -> Path:
    """A wheel of a sound plugin with two models and a command."""
    tables = (model("cat"), model("cow"), command("paint", "acme_zoo.cli:paint"))
    files = {"cli.py": "import click\npaint = click.Command('paint')\n"}
    return write_wheel(wheels, "acme-zoo", *tables, files=files, version=version, **fields)


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines with which genzoo ends; one at most."""
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
