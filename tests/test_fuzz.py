"""A part of what `python tests/fuzz.py` does: mutations are answered, or refused in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")

EXAMPLES = {
    "manifests": 800,
    "installations": 120,
    "models": 1500,
    "records": 500,
    "pictures": 1500,
    "arrays": 400,
    "recipes": 700,
    "settings": 100,
    "listings": 400,
    "prompts": 200,
    "datasets": 400,
    "trainings": 25,
    "caches": 6,
}
"""Of each kind; each takes some seconds to begin."""

ALWAYS_RIGHT = ("manifests", "installations", "listings", "caches")
"""Kinds in which nothing is refused: what is damaged is shown as such, or made again."""

ALWAYS_REFUSED = ("arrays", "settings")
"""Kinds in which what is sound is refused at last, so that no evaluation or training begins."""


def fuzz(*words: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer; modules of further kinds lie below `path`."""
    return subprocess.run(
        [sys.executable, FUZZ, *words],
        capture_output=True,
        text=True,
        check=False,
        # Plugins that other tests have put on the path are none of what is looked for.
        env={**os.environ, "PYTHONPATH": str(path or "")},
    )


def state_of(file: Path, kind: str) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))["kinds"][kind]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_mutation_is_answered_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    file, count = tmp_path / "state.json", EXAMPLES[kind]
    done = fuzz("--kind", kind, "--count", str(count), "--state", file)
    assert done.returncode == 0, done.stdout + done.stderr
    state = state_of(file, kind)
    assert state["worked"] + state["refused"] == count
    assert (state["worked"] > 0) == (kind not in ALWAYS_REFUSED)
    assert (state["refused"] > 0) == (kind not in ALWAYS_RIGHT)


PLANTED = """
import os, sys, warnings
from genzoo_core.errors import UsageError

class Long(UsageError):
    def __str__(self):
        return "x" * 1001

class Lines(UsageError):
    def __str__(self):
        return "two\\nlines"

def prepare():
    def example(chance):
        match chance.randrange(8):
            case 0: raise KeyError("planted")
            case 1: raise Long("short by itself")
            case 2: raise Lines("short by itself")
            case 3: warnings.warn("planted warning")
            case 4: bytearray(2**29)[::4096] = bytes(2**17)
            case 5: os.write(2, b"\\x1b[31m")
            case 6: os.abort()
            case 7: raise UsageError("short")
    return example
"""


def test_whatever_is_no_answer_is_found_and_can_be_run_again(tmp_path: Path) -> None:
    (tmp_path / "fuzzing" / "kinds").mkdir(parents=True)
    (tmp_path / "fuzzing" / "kinds" / "planted.py").write_text(PLANTED)
    words = ["--kind", "planted", "--seed", "3", "--state", tmp_path / "state.json"]
    done = fuzz(*words, "--count", "10", path=tmp_path)
    assert state_of(tmp_path / "state.json", "planted")["next"] == 10
    done = fuzz(*words, "--count", "40", path=tmp_path)  # goes on
    assert done.returncode == 1
    state = state_of(tmp_path / "state.json", "planted")
    assert state["next"] == 40
    assert state["worked"] == 0
    found = " ".join(finding["message"] for finding in state["findings"].values())
    assert "planted" in found
    for text in ("1001 characters", "several lines", "planted warning", "MiB more", "Abort"):
        assert text in found + str([*state["findings"]]), text
    assert state["refused"] + sum(each["count"] for each in state["findings"].values()) == 40
    [first, *_] = state["findings"]["KeyError"]["k"]
    again = fuzz("--kind", "planted", "--seed", "3", "--only", str(first), path=tmp_path)
    assert again.returncode == 1
    assert "KeyError: 'planted'" in again.stderr
