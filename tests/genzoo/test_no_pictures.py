"""`genzoo run` on what makes no pictures names the command that does something with it."""

from __future__ import annotations

import pytest
from shelf import Shelf


@pytest.mark.parametrize(
    ("model", "commands"),
    [
        ("codec-mnist", ["genzoo run {} --input PICTURE", "genzoo encode {} PICTURE"]),
        ("features-mnist-classifier", ["genzoo encode {} PICTURE"]),
        ("text-minilm", ["genzoo list --kind model", "genzoo run MODEL PROMPT"]),
    ],
)
def test_a_command_that_works_is_named(shelf: Shelf, model: str, commands: list[str]) -> None:
    done = shelf.genzoo("run", model)
    assert done.returncode == 2
    assert f"genzoo/{model} makes no pictures: " in done.stderr
    for command in commands:
        assert f"`{command.format(f'genzoo/{model}')}`" in done.stderr
