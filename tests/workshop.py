"""An environment in which a stranger works: genzoo from its wheel, outside the repository."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Workshop:
    """A virtual environment, and where its user is.

    Attributes:
        scripts: The environment's folder of programs.
        folder: The current folder.
    """

    scripts: Path
    folder: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of a shell; `cd` counts for the lines after it.

        stdout and stderr come together, as a terminal shows them.
        """
        where = self.scripts.parent / "folder"
        done = subprocess.run(
            ["bash", "-uc", f'{command}\ncode=$?; pwd > "$WHERE"; exit $code'],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            cwd=self.folder,
            env={**self._environment(), "WHERE": str(where)},
        )
        self.folder = Path(where.read_text().rstrip("\n"))
        return done

    def _environment(self) -> dict[str, str]:
        ours = ("PYTHON", "GENZOO_", "HF_", "PIP_", "VIRTUAL_ENV")
        kept = {name: v for name, v in os.environ.items() if not name.startswith(ours)}
        return kept | {
            "PATH": f"{self.scripts}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.scripts.parent),
            "GENZOO_CACHE": str(self.scripts.parent / "genzoo-cache"),
            "GENZOO_MODELS": str(self.scripts.parent / "genzoo-models"),
            "HF_HOME": str(self.scripts.parent / "hf"),
            "HF_HUB_OFFLINE": "1",
            # Nothing is fetched: what builds a package is among the libraries already.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's spelling of "do not isolate"
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "COLUMNS": "200",
        }
