"""Lines that are broken between words, as wide as the terminal that they go to."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys

import pytest

from genzoo_core.progress import to_stderr
from genzoo_core.table import wrapped, wrapped_command

WORDS = ["genzoo", "eval", "flow-photos", "--data", "/tmp/it's a folder/of pictures", "-n", "500"]


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_a_command_of_many_lines_is_one_to_a_shell() -> None:
    lines = wrapped_command(shlex.join(WORDS), "  ", Terminal())
    assert len(lines) > 1
    # The quoted path is longer than the rest and stays whole.
    assert all(len(line) <= 40 or "'" in line for line in lines)
    printed = subprocess.run(
        ["bash", "-c", "\n".join(lines).replace("genzoo", r"printf '%s\n'", 1)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert printed.stdout.splitlines() == WORDS[1:]


def test_elsewhere_a_command_is_one_line() -> None:
    assert wrapped_command(shlex.join(WORDS), file=io.StringIO()) == [shlex.join(WORDS)]
    assert wrapped_command("genzoo list", "  ", Terminal()) == ["  genzoo list"]


def test_lines_are_as_wide_as_the_terminal_that_they_go_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a sentence of more than forty columns, which is broken"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert wrapped(text) == [text]
    assert len(wrapped(text, file=Terminal())) == 2
    monkeypatch.setattr(sys, "stderr", told := Terminal())
    to_stderr(f"{text}\x1b[2J")
    assert told.getvalue() == ("a sentence of more than forty columns,\nwhich is broken\\x1b[2J\n")
