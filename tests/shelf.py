"""Plugin distributions that tests put together by hand, and genzoo run beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GENZOO = Path(sys.executable).with_name("genzoo")
MARK = "import pathlib; (pathlib.Path(__file__).parent / 'imported').touch()\n"
"""A first line for a module that is not to be imported."""


def model(name: str, **fields: object) -> str:
    """A `[[models]]` table."""
    given = {"name": name, "family": "vae", "summary": f"The model {name}.", **fields}
    return "\n".join(
        [
            "[[models]]",
            *(f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in given.items()),
            "",
        ]
    )


def component(name: str, kind: str, target: str) -> str:
    """A `[[components]]` table."""
    return f'[[components]]\nkind = "{kind}"\nname = "{name}"\ntarget = "{target}"\n'


def command(name: str, target: str, **fields: str) -> str:
    """A `[[commands]]` table."""
    given = {"name": name, "help": f"Does {name}.", "target": target, **fields}
    return "\n".join(["[[commands]]", *(f'{k} = "{v}"' for k, v in given.items()), ""])


@dataclass(frozen=True)
class Shelf:
    """A folder on the path of this process and of those it starts, and a cache of its own."""

    site: Path
    cache: Path

    def add(
        self,
        distribution: str,
        *tables: str,
        head: str = "api = 2",
        package: str | None = None,
        files: Mapping[str, str] | None = None,
        entry_points: str | None = None,
        version: str = "1.0",
    ) -> Path:
        """Install a distribution with one package; gives the package's folder.

        Args:
            distribution: Its name.
            *tables: What the manifest says after `head`.
            head: How the manifest begins.
            package: Its import package; after the distribution unless given.
            files: Further files of the package by name; `__init__.py` only marks that it ran
                unless given.
            entry_points: The text of entry_points.txt; one in the group `genzoo` unless given.
            version: Its version.
        """
        name = distribution.replace("-", "_")
        package = package or name
        folder = self.site / package
        folder.mkdir()
        (folder / "genzoo.toml").write_text("\n".join([head, *tables]))
        for file, text in {"__init__.py": MARK, **(files or {})}.items():
            (folder / file).write_text(text)
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        text = entry_points or f"[genzoo]\n{package} = {package}\n"
        (info / "entry_points.txt").write_text(text)
        return folder

    def settle(self) -> None:
        """Make all of it an hour old, as what was installed a while ago is."""
        hour_ago = self.site.stat().st_mtime_ns - 3600 * 10**9
        for path in [*self.site.rglob("*"), self.site]:
            os.utime(path, ns=(hour_ago, hour_ago))

    def genzoo(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command `genzoo`."""
        return subprocess.run(
            [str(GENZOO), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, **environment},
        )

    def json(self, *arguments: str, **environment: str) -> Any:
        """What `genzoo … --json` prints."""
        done = self.genzoo(*arguments, "--json", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def modules(self, *arguments: str, **environment: str) -> set[str]:
        """The modules that a run of `genzoo` imports."""
        done = self.genzoo(*arguments, PYTHONPROFILEIMPORTTIME="1", **environment)
        lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
        return {line.rpartition("|")[2].strip() for line in lines}
