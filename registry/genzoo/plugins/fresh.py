"""Python code in a process of its own, whatever else is printed there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO


def run_fresh(
    code: str,
    *,
    patience: float,
    stderr: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[bytes, int]:
    """Run Python code that writes its answer into the file `sys.argv[1]`.

    Not on stdout: there plugins, libraries and what starts with the interpreter may write as well.
    `stderr` and the variables of the `environment` are ours by default.

    Returns:
        The answer, b"" where there is none, and the exit code.

    Raises:
        subprocess.TimeoutExpired: It took more than `patience` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        # -P: a file in the current folder must not pass for a module.
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**(environment or os.environ), "PYTHONIOENCODING": "utf-8"},
            timeout=patience,
            check=False,
        )
        return (answer.read_bytes() if answer.is_file() else b""), done.returncode
