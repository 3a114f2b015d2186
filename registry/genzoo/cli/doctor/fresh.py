"""Asking a fresh process, in which what was installed just now is as a user will find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TypeVar

import msgspec

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
        f"import json, sys; from {module} import {name}; from msgspec import to_builtins; "
        f"print('\\n' + json.dumps(to_builtins({name}(*sys.argv[1:]))))"
    )
    # -P: a file in the current folder must not pass for a module.
    command = [sys.executable, "-P", "-c", code, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in SELECTING}
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise GenzooError(f"a fresh process did not answer within {PATIENCE:.0f} s") from None
    try:
        # The last line: what starts with the interpreter may print as well.
        return msgspec.convert(json.loads(done.stdout.splitlines()[-1]), answer)
    except (ValueError, IndexError):
        lines = done.stderr.decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        ending = said[-1][:300] if said else f"the process ended with code {done.returncode}"
        raise GenzooError(ending) from None
