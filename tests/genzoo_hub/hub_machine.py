"""A user's machine beside a Hub on loopback: genzoo runs there as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

WEIGHTS = Path(__file__).parents[2] / "plugins" / "genzoo_vae" / "weights"
MODEL = "vae-mlp-mnist"


@dataclass(frozen=True)
class Machine:
    """A user's machine: a home for what is fetched, and the Hub that it is fetched from.

    Attributes:
        home: HF_HOME.
        work: The current folder.
        environment: Of each process; nothing that is set here reaches it but this.
    """

    home: Path
    work: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def cache(self) -> Path:
        """The Hub's cache."""
        return self.home / "hub"

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `genzoo` with these words."""
        return subprocess.Popen(
            [sys.executable, "-m", "genzoo", *words],
            cwd=self.work,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def genzoo(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `genzoo` with these words."""
        process = self.start(*words, **environment)
        out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def refused(self, *words: str, code: int = 1, **environment: str) -> str:
        """The one line that says why `genzoo` does not do this."""
        done = self.genzoo(*words, **environment)
        assert done.returncode == code, done
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("Error: ")
        return line

    def cached_files(self) -> list[str]:
        """Names of all files in the cache but for locks and marks."""
        left_out = (".locks", ".genzoo", "CACHEDIR.TAG")
        return sorted(
            path.name
            for path in self.cache.rglob("*")
            if path.is_file() and not any(part in left_out for part in path.parts)
        )
