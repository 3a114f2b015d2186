"""The index of plugins in the user's cache, when it is not what genzoo wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from mutations import BYTE_EDITS, changed_bytes, fuzzed
from shelf import Shelf, model

from genzoo.catalogue import Catalogue


def index_of(shelf: Shelf) -> Path:
    """The index that a listing left."""
    [file] = (shelf.cache / "index").glob("*.index")
    return file


@pytest.fixture
def kept(shelf: Shelf) -> Path:
    """An index, with the model `fine` in it."""
    shelf.add("good-one", model("fine"))
    shelf.settle()
    Catalogue.open()
    return index_of(shelf)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_index_that_another_user_made_is_not_read(shelf: Shelf, kept: Path) -> None:
    forged = kept.read_bytes()
    os.chown(kept, 12345, 12345)
    assert Catalogue.open().find_model("fine").distribution == "good-one"
    assert index_of(shelf).stat().st_uid == 0  # it was made again
    assert index_of(shelf).read_bytes() == forged


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"key":1}\n',
        b"1e999\n",
        b"\xff\n",
        b"9" * 5000 + b"\n",
    ],
)
def test_an_index_that_is_made_to_hurt_is_made_again(kept: Path, content: bytes) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(content)
    assert Catalogue.open().find_model("fine").distribution == "good-one"
    assert kept.read_bytes() == whole


def test_a_mutated_index_says_nothing_wrong(kept: Path) -> None:
    whole = kept.read_bytes()

    @fuzzed(80)
    @given(BYTE_EDITS)
    def read(edits: list[tuple[str, int, bytes]]) -> None:
        kept.write_bytes(changed_bytes(whole, edits))
        assert Catalogue.open().find_model("fine").distribution == "good-one"

    read()
