"""Asking a fresh process, in which what was installed just now is as a user will find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from genzoo_core.errors import GenzooError

PATIENCE = 900.0
"""Seconds that an answer may take; the import of a plugin has a limit of its own."""

SELECTING = ("GENZOO_PLUGINS", "GENZOO_DISABLE")
"""Variables that hide plugins. Who looks at what is installed wants to see all of them."""


def ask(function: str, *arguments: str, patience: float = PATIENCE) -> Any:
    """Call a function of genzoo in a fresh process.

    Args:
        function: "module:name"; it takes text and gives what JSON can hold.
        arguments: What it is given.
        patience: Seconds to wait.

    Returns:
        What it gave, as it comes back from JSON.

    Raises:
        GenzooError: The process failed; says how it ended.
    """
    module, _, name = function.partition(":")
    code = (
        f"import json, sys; from {module} import {name}; "
        f"print('\\n' + json.dumps({name}(*sys.argv[1:])))"
    )
    # -P: a file in the current folder must not pass for a module.
    command = [sys.executable, "-P", "-c", code, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in SELECTING}
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise GenzooError(f"a fresh process did not answer within {patience:.0f} s") from None
    try:
        # The last line: what starts with the interpreter may print as well.
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise GenzooError(_ending(done)) from None


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else f"the process ended with code {done.returncode}"
