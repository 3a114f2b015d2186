"""What is kept of a listing in the user's cache, when it is not what genzoo wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from answers import full_name, reads_manifests
from shelf import Shelf, model

import genzoo


def file_of(shelf: Shelf) -> Path:
    """The file that a listing left."""
    [file] = (path for path in shelf.cache.rglob("*") if path.is_file())
    return file


def listing_is_right() -> bool:
    """Whether the one model that there is is listed, and found."""
    return genzoo.list_models() == ["fine"] and full_name("fine") == "good-one/fine"


@pytest.fixture
def kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a listing left, with the model `fine` in it."""
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")
    shelf.add("good-one", model("fine"))
    shelf.settle()
    assert listing_is_right()
    assert not reads_manifests(genzoo.list_models)
    return file_of(shelf)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_made_is_not_read(shelf: Shelf, kept: Path) -> None:
    os.chown(kept, 12345, 12345)
    assert reads_manifests(genzoo.list_models)
    assert listing_is_right()
    assert file_of(shelf).stat().st_uid == 0  # it was made again
    assert not reads_manifests(genzoo.list_models)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"key":1}\n',
        b"1e999\n",
        b"\xff\n",
        b"9" * 5000 + b"\n",
        b"\x91" * 100_000,  # arrays in arrays, in MessagePack
        b"\xdd\xff\xff\xff\xff",  # an array of four thousand million
    ],
)
def test_a_file_that_is_made_to_hurt_is_made_again(kept: Path, content: bytes) -> None:
    kept.write_bytes(content)
    assert listing_is_right()
    assert not reads_manifests(genzoo.list_models)
