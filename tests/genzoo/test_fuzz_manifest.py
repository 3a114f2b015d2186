"""Mutations of a manifest and of a recipe: read, or refused in one line; others go on working."""

from __future__ import annotations

import contextlib
import copy
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import BYTE_EDITS, DATA_EDITS, as_toml, changed, changed_bytes, fuzzed
from shelf import MARK, Shelf, command, component, model

import genzoo
from genzoo.cli import main
from genzoo_core.errors import ConfigError

ROOT = Path(__file__).parents[2]
LONGEST = 850
"""Characters of the longest message."""

MUTATIONS = st.tuples(DATA_EDITS, BYTE_EDITS)
Mutation = tuple[list[tuple[str, int, Any]], list[tuple[str, int, bytes]]]

METRIC = '[{name = "FD", value = 1.5, command = "genzoo eval x", n = 10, floor = 1.0}]'
SOUND = "\n".join(
    [
        'api = 2\nsummary = "A plugin."\nhooks = ["genzoo_after_run"]',
        model("one", shape=[1, 8, 8], weights="w.safetensors", sha256="0" * 64, size=10),
        f"metrics = {METRIC}",
        model("two", aliases=["deux"], conditioners=["label"], credits=["someone"]),
        component("net", "model", "mutant_one.models:Net"),
        command("do", "mutant_one.commands:do", extra="train"),
    ]
)


def mutated(text: str, mutation: Mutation) -> bytes:
    """TOML after changes of what it says and of how it is written."""
    # Values of their own: one that is put in twice must not come to hold itself.
    edits = [(kind, where, copy.deepcopy(value)) for kind, where, value in mutation[0]]
    tree = changed(tomllib.loads(text), edits)
    return changed_bytes(as_toml(tree).encode(), mutation[1])


def assert_one_line(error: str) -> None:
    """It can be shown as one line."""
    assert error
    assert len(error.splitlines()) == 1, error
    assert len(error) < LONGEST


def test_a_mutated_manifest_breaks_its_plugin_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")  # a search is fast without these
    shelf.add("sound-one", model("fine"))
    folder = shelf.add("mutant-one")
    sound = 0

    @fuzzed(800)
    @given(MUTATIONS)
    def read(mutation: Mutation) -> None:
        nonlocal sound
        (folder / "genzoo.toml").write_bytes(mutated(SOUND, mutation))
        zoo = genzoo.open_zoo()
        assert zoo.card("sound-one/fine").name == "fine"
        [found] = zoo.plugins("mutant-one")
        if found.manifest is None:
            assert_one_line(found.error)
            return
        sound += 1
        assert found.error == ""
        assert all(card.size >= 0 for card in found.manifest.models)

    read()
    assert sound > 0


def test_a_listing_survives_mutated_manifests(shelf: Shelf) -> None:
    shelf.add("sound-one", model("fine"))
    folder = shelf.add("mutant-one", files={"__init__.py": MARK, "models.py": MARK})

    @fuzzed(25)
    @given(MUTATIONS)
    def listed(mutation: Mutation) -> None:
        (folder / "genzoo.toml").write_bytes(mutated(SOUND, mutation))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            assert main(["list"]) == 0
            assert main(["plugins"]) == 0
            assert main(["info", "sound-one/fine"]) == 0
        assert "fine" in out.getvalue()
        assert "mutant-one" in out.getvalue()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", out.getvalue() + err.getvalue())

    listed()
    assert not (folder / "imported").exists()


def test_a_mutated_recipe_is_read_or_refused(tmp_path: Path) -> None:
    sound = (ROOT / "plugins/genzoo_vae/recipes/vae-mnist.toml").read_text(encoding="utf-8")
    path = tmp_path / "mutated.toml"
    zoo = genzoo.open_zoo()

    @fuzzed(500)
    @given(MUTATIONS)
    def read(mutation: Mutation) -> None:
        path.write_bytes(mutated(sound, mutation))
        refusal: Exception | None = None
        try:
            assert zoo.recipe(str(path)).stages
        except ConfigError as error:
            refusal = error
        if refusal is not None:
            assert_one_line(str(refusal))

    read()
