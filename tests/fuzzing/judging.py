"""What counts as a finding: all but success, and a refusal that a user can read."""

from __future__ import annotations

import io
import json
import re
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from genzoo_core.errors import GenzooError

LONGEST = 1000
"""Characters of the longest message."""


class FindingError(Exception):
    """Something happened that must not. `place` is where, as far as that is known."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class RefusedError(GenzooError):
    """A command ended with an error as it should."""


def expect(claim: object, otherwise: str, place: str = "") -> None:
    """Check what must be so whatever the input."""
    if not claim:
        raise FindingError(otherwise, place)


def check_message(text: str, place: str = "") -> None:
    """Check that a message, which comes from `place`, is one short line of what is wrong."""
    expect(text, "an empty message", place)
    expect(len(text.splitlines()) == 1, f"several lines: {text[:300]!r}", place)
    expect(len(text) <= LONGEST, f"{len(text)} characters: {text[:300]}…", place)
    expect("unexpected failure" not in text, text, place)


def command(*words: str | Path) -> str:
    """What a command of genzoo prints on stdout.

    Raises:
        RefusedError: It failed in one line.
        FindingError: It failed otherwise, or printed what must not be printed.
    """
    code, out, err = _run(*words)
    if "unexpected failure" in err or "Traceback" in err:
        _, _, detail = _run("--debug", *words)
        raise FindingError(err.strip().splitlines()[-1], place_in(detail))
    expect(code in (0, 1, 2), f"exit code {code}: {err[-300:]}")
    expect(
        not re.search("[\x00-\x09\x0b-\x1f\x7f]", out + err), f"control characters: {err[-300:]}"
    )
    try:
        for line in err.splitlines():
            check_message(line)
    except FindingError as finding:
        _, _, detail = _run("--debug", *words)
        raise FindingError(str(finding), place_in(detail)) from None
    if code == 0:
        return out
    expect(out == "", f"failed, and printed {out[:100]!r}")
    expect(err, f"failed with code {code} and said nothing")
    last = err.splitlines()[-1]
    expect(last.startswith("Error: "), f"ended with {last[:300]!r}")
    raise RefusedError(last.removeprefix("Error: "))


def _run(*words: str | Path) -> tuple[int, str, str]:
    from genzoo.cli import main

    # Not `StringIO`: a command writes a path as bytes.
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in words])
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
    return code, texts[0], texts[1]


def parsed(text: str) -> Any:
    """What a command printed as JSON, by the letter of its standard."""

    def no_number(name: str) -> None:
        raise FindingError(f"{name} is no JSON")

    return json.loads(text, parse_constant=no_number)


def place_of(error: BaseException) -> str:
    """The last line of genzoo's own that an error went through, as "genzoo/zoo.py:12"."""
    return place_in("".join(traceback.format_exception(error)))


def place_in(trace: str) -> str:
    """As `place_of`, from a traceback's text."""
    own = re.findall(r'File "[^"]*?/(genzoo\w*/[^"]+\.py)", line (\d+)', trace)
    # Paths of this checkout may hold the name too; what counts is the module's.
    return ":".join(own[-1]).split("site-packages/")[-1] if own else ""
