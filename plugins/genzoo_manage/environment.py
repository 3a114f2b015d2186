"""What is installed at one moment, and what genzoo says of it in a fresh process."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from genzoo_core.errors import GenzooError
from genzoo_core.reading import read_bytes

PATIENCE = 900.0
"""Seconds that a fresh process may take to answer."""

LARGEST = 2**20
"""Bytes of the largest direct_url.json that is read."""

SELECTING = ("GENZOO_PLUGINS", "GENZOO_DISABLE")
"""Variables that leave plugins out."""


class Distribution(NamedTuple):
    """A distribution that is installed.

    Attributes:
        name: Its normalised name.
        folder: Its `.dist-info`.
        stamp: When that was made: tells one installation from a later one of the same version.
    """

    name: str
    version: str
    folder: Path
    stamp: int

    @property
    def requested(self) -> bool:
        """Whether a user named it, and not only another distribution that needs it."""
        return (self.folder / "REQUESTED").is_file()

    @property
    def direct(self) -> dict[str, Any]:
        """The direct_url.json of what came from a path or URL; {} of an index."""
        try:
            found = json.loads(read_bytes(self.folder / "direct_url.json", LARGEST))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("url"), str) else {}


class Snapshot(NamedTuple):
    """What is installed.

    Attributes:
        distributions: By normalised name.
        plugins: All of them, as `genzoo plugins --json` shows each.
        conflicts: A line for each name that several plugins give.
    """

    distributions: dict[str, Distribution]
    plugins: list[dict[str, Any]]
    conflicts: list[str]

    def version(self, name: str) -> str | None:
        """The version of a distribution, or None where it is not installed."""
        found = self.distributions.get(name)
        return found.version if found else None


def take_snapshot() -> Snapshot:
    """What is installed now, whatever the environment's variables leave out.

    Raises:
        GenzooError: genzoo does not work in a fresh process.
    """
    everything = {name: value for name, value in os.environ.items() if name not in SELECTING}
    found = ask_genzoo("plugins", environment=everything)
    return Snapshot(_distributions(), found["plugins"], found["conflicts"])


def ask_genzoo(*words: str, environment: dict[str, str] | None = None) -> Any:
    """What `genzoo WORDS --json` prints in a fresh process, which sees what was installed just now.

    Raises:
        GenzooError: It prints no JSON; says how it ended.
    """
    # -P: a file in the current folder must not pass for a module.
    command = [sys.executable, "-P", "-m", "genzoo", *words, "--json"]
    environment = {**(environment or os.environ), "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GenzooError(f"genzoo did not answer within {PATIENCE:.0f} s") from None
    text = done.stdout.decode(errors="replace")
    try:
        # What starts with the interpreter may print before it and after it.
        return json.JSONDecoder().raw_decode(text, text.index("{\n"))[0]
    except ValueError:
        lines = done.stderr.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        why = last[:300] or f"it ended with code {done.returncode}"
        raise GenzooError(f"genzoo does not work any more: {why}") from None


def _distributions() -> dict[str, Distribution]:
    """Those on the path, and in the user's folder, which pip may have just made.

    The first on the path counts, and within a folder the newest: an older one is what a removal
    left behind that was cut short.
    """
    found: dict[str, Distribution] = {}
    for place in [*sys.path, *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]:
        here = []
        for folder in Path(place).glob("[!~]*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").partition("-")
            with suppress(OSError):
                stamp = folder.stat().st_mtime_ns
                if version and (folder / "METADATA").is_file():
                    here.append(Distribution(canonicalize_name(name), version, folder, stamp))
        for distribution in sorted(here, key=lambda each: each.stamp, reverse=True):
            found.setdefault(distribution.name, distribution)
    return found
