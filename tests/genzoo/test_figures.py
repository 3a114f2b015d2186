"""The measured figures of a plugin's models, which lie in figures.json beside the manifest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from answers import error_of, full_name
from shelf import Shelf, model

import genzoo

METRIC: dict[str, Any] = {"name": "Fréchet distance", "value": 1.5, "command": "genzoo eval x"}


def figures(*values: float, **changes: object) -> str:
    """A file with so many figures of the model x."""
    return json.dumps({"x": [METRIC | {"value": value} | changes for value in values]})


def values() -> list[float]:
    return [metric.value for metric in genzoo.card("x").metrics]


def test_they_are_in_the_card_and_in_what_is_exported(shelf: Shelf, tmp_path: Path) -> None:
    names = [name.rpartition("/")[2] for name in genzoo.list_models()]
    assert sum(bool(genzoo.card(name).metrics) for name in names) >= 20
    out = tmp_path / "vae.safetensors"
    assert shelf.genzoo("export", "vae-mlp-mnist", "-o", str(out)).returncode == 0
    metrics = shelf.json("info", "vae-mlp-mnist")["card"]["metrics"]
    assert metrics
    assert shelf.json("info", str(out))["card"]["metrics"] == metrics


def test_a_changed_file_is_noticed(shelf: Shelf) -> None:
    file = shelf.add("acme", model("x"), model("y")) / "figures.json"
    shelf.settle()
    assert values() == []
    file.write_text(figures(1.5, 2))
    shelf.settle()
    assert values() == [1.5, 2]
    assert genzoo.card("y").metrics == ()
    file.write_text(figures(3))
    assert values() == [3]
    file.unlink()
    assert values() == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "figures.json is not JSON"),
        ("[]", "figures.json: Expected `object`"),
        ('{"x": {}}', "at `$[...]`"),
        ('{"y": []}', "genzoo.toml has no model 'y'"),
        ('{"x": [], "x": []}', "figures.json has the key 'x' twice"),
        (figures(float("nan")), "figures.json holds NaN"),
        (figures(float("inf")), "figures.json holds Infinity"),
        (figures(1).replace("1,", "1e999,"), "which is too large"),
        (figures(1).replace("1,", "9" * 5000 + ","), "a number of 5000 digits"),
        (figures(1, value="1"), "Expected `float`, got `str`"),
        (figures(1, value=None), "Expected `float`, got `null`"),
        (figures(1, n=1.5), "Expected `int | null`"),
        (figures(1, n=10**30), "figures.json: model x: the n of a metric is out of range"),
        (figures(1, n=-1), "out of range"),
        (figures(1, flor=2), "unknown field `flor`"),
        (json.dumps({"x": [{"name": "FD", "value": 1}]}), "missing required field `command`"),
        (figures(1, note="a" * 1001), "length <= 1000"),
        (figures(*range(1001)), "length <= 1000"),
        ("{" * 5000, "nested more than"),
        ('{"x": [], "\\ud800": []}', "half a character"),
        (" " * (2**20 + 1), "it has more than 1,048,576 bytes"),
    ],
)
def test_hostile_27_a_broken_file_is_its_plugins_problem(
    shelf: Shelf, content: str, why: str
) -> None:
    shelf.add("bad-one", model("x"), files={"figures.json": content})
    shelf.add("good-one", model("fine"))
    error = error_of("bad_one")
    assert why in error
    assert "figures.json" in error
    assert len(error) < 500
    assert full_name("fine") == "good-one/fine"


def test_hostile_27_what_is_no_readable_file_is_its_plugins_problem(shelf: Shelf) -> None:
    for number, make in enumerate(
        (
            Path.mkdir,
            os.mkfifo,
            lambda file: file.symlink_to("nowhere.json"),
            lambda file: file.symlink_to("/dev/zero"),
            lambda file: file.write_bytes(b'{"x": "\xff"}'),
        )
    ):
        make(shelf.add(f"bad-{number}", model("x")) / "figures.json")
    shelf.add("good-one", model("fine"))
    for number in range(5):
        assert "figures.json" in error_of(f"bad_{number}")
    assert full_name("fine") == "good-one/fine"


def test_figures_in_a_manifest_are_led_to_their_place(shelf: Shelf) -> None:
    table = '[[models.metrics]]\nname = "FD"\nvalue = 1.0\ncommand = "genzoo eval x"\n'
    shelf.add("bad-one", model("x"), table)
    assert "model x: its metrics stand in genzoo.toml" in error_of("bad_one")
    assert "move them to figures.json beside it" in error_of("bad_one")
