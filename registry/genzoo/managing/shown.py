"""Running another program whose output the user sees."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

PATIENCE = 30.0
"""Seconds that a program gets to leave things in order after it was interrupted."""


class Command(NamedTuple):
    """A program with its arguments.

    Attributes:
        words: The program and its arguments.
        environment: Variables that it gets beside ours.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str] = {}

    def __str__(self) -> str:
        """As one would type it."""
        return shlex.join([*(f"{n}={v}" for n, v in self.environment.items()), *self.words])


def run_shown(command: Command) -> int:
    """Run a program to its end; what it prints goes to stderr.

    An interrupt reaches the program too. It is waited for, so that nothing stays half-installed.

    Returns:
        Its exit code; negative where a signal ended it.

    Raises:
        OSError: It cannot be started.
    """
    environment = {**os.environ, **command.environment}
    sys.stderr.flush()
    with subprocess.Popen(command.words, stdout=2, env=environment) as process:
        try:
            return process.wait()
        except BaseException as interrupt:
            if not isinstance(interrupt, KeyboardInterrupt):
                process.terminate()  # Ctrl-C went to both of us, SIGTERM to us alone
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
