"""The command line. `main` is what the console script calls."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: `arguments` are the words after `genzoo`, by default those of the process.

    Returns:
        The exit code: 0, 1 (failed), 2 (usage), 130 (Ctrl-C), 141 (stdout closed) or
        143 (SIGTERM).
    """
    try:
        from genzoo.cli.frame import run
    except KeyboardInterrupt:
        return 130
    return run(arguments)
