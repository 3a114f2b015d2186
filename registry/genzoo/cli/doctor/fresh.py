"""Asking a fresh process, in which what was installed just now is as a user will find it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TypeVar

import msgspec

from genzoo.plugins.fresh import run_fresh
from genzoo_core.errors import GenzooError

PATIENCE = 900.0
"""Seconds that an answer may take; the import of a plugin has a limit of its own."""

SELECTING = ("GENZOO_PLUGINS", "GENZOO_DISABLE")
"""Variables that hide plugins. Who looks at what is installed wants to see all of them."""

T = TypeVar("T")


def ask(function: str, answer: type[T], *arguments: str) -> T:
    """Call a function of genzoo, "module:name", in a fresh process; it returns an `answer`.

    Raises:
        GenzooError: The process failed; says how it ended.
    """
    module, _, name = function.partition(":")
    code = (
        f"import sys; from pathlib import Path; from {module} import {name}; import msgspec; "
        f"Path(sys.argv[1]).write_bytes(msgspec.json.encode({name}(*sys.argv[2:])))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in SELECTING}
    environment["PYTHONIOENCODING"] = "utf-8"
    with tempfile.TemporaryFile() as errors:
        try:
            found, ending = run_fresh(
                code, *arguments, patience=PATIENCE, stderr=errors, environment=environment
            )
        except subprocess.TimeoutExpired:
            raise GenzooError(f"a fresh process did not answer within {PATIENCE:.0f} s") from None
        try:
            return msgspec.json.decode(found, type=answer)
        except ValueError:
            errors.seek(max(0, errors.tell() - 10_000))
            lines = errors.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise GenzooError(last[:300] or f"the process ended with code {ending}") from None
