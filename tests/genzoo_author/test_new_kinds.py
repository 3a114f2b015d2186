"""Each kind of plugin, built as a wheel and installed, works as a stranger would try it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import shows
from workshop import Workshop

TRIED = {
    "bare": (("genzoo plugins", ["my-plugin …"]),),
    "hook": (
        ("genzoo run vae-mlp-mnist --seed 0 -o a.png", ["genzoo/vae-mlp-mnist: Apache-2.0", "…"]),
    ),
    "encoder": (
        ("python -m genzoo_author.shapes data --count 40", []),
        (
            "genzoo train src/my_plugin/recipes/my-plugin-encoded-shapes.toml --data data "
            "--set stages.0.steps=2",
            ["wrote …"],
        ),
        ("genzoo run runs/*/my-plugin-encoded-shapes.safetensors -n 2 -o a.png", ["a.png"]),
        ("genzoo encode runs/*/my-plugin-encoded-shapes.safetensors a.png -o z.npz", ["z.npz"]),
    ),
    "format": (
        ("python tests/write_example.py example", ["example"]),
        ("genzoo run example -n 2 -o a.png", ["a.png"]),
        ("genzoo check ./example", ["… 0 failed, …"]),
    ),
}
"""What a stranger does with each, and what that shows."""


@pytest.fixture
def stranger(workshop: Workshop, tmp_path: Path) -> Iterator[Workshop]:
    """Works in a folder of their own; the plugin is gone afterwards."""
    stranger = Workshop(workshop.scripts, tmp_path)
    yield stranger
    stranger.run("pip uninstall -q -y my-plugin")


@pytest.mark.long
@pytest.mark.parametrize("kind", TRIED)
def test_a_kind_is_installed_used_tested_and_checked(kind: str, stranger: Workshop) -> None:
    begun = (
        (f"genzoo new my-plugin --kind {kind}", ["cd my-plugin"]),
        ("pip wheel -q --no-deps -w dist ./my-plugin", []),
        ("pip install -q --no-deps dist/*.whl", []),
        ("cd my-plugin", []),
    )
    held = (
        ("python -m pytest -q -p no:cacheprovider", ["… passed …"]),
        ("genzoo check my-plugin", ["…, 0 failed, …"]),
    )
    for command, wanted in (*begun, *TRIED[kind], *held):
        done = stranger.run(command)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        assert shows(done.stdout, wanted), f"$ {command}\n{done.stdout}"
