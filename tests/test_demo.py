"""`make demo`, the README's first command: it draws genzoo's own models, and needs no extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from genzoo.cli import main

DEMO = Path(__file__).parent.parent / "benchmarks" / "demo.py"


def test_it_draws_every_family_and_nothing_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    weights = DEMO.parents[1] / "plugins" / "genzoo_gan" / "weights" / "gan-mnist.safetensors"
    assert main(["add", str(weights), "--name", "mine"]) == 0
    sheet = tmp_path / "demo.png"
    done = subprocess.run(
        [sys.executable, str(DEMO), str(sheet)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, *rows = done.stdout.splitlines()
    drawn = {row.split(maxsplit=1)[1] for row in rows}
    assert "ae-timm-mnist" in drawn
    assert "mine" not in drawn
    for family in ("ae", "vae", "gan", "flow"):
        assert {f"{family}-fashion", f"{family}-emoji, asked"} <= drawn
    with Image.open(sheet) as image:
        # Ten pictures of 32×32 in a row, two pixels between them, everything twice as large.
        assert image.width == 2 * (10 * 32 + 9 * 2)
        assert image.height == 2 * (len(rows) * 32 + (len(rows) - 1) * 2)
