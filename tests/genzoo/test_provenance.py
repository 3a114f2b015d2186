"""The record that files carry, and what is made of hostile ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genzoo.pictures.provenance import (
    MAX_RECORD,
    Layout,
    Provenance,
    RecordError,
    decode,
    encode,
    read,
)
from genzoo_core.errors import ReplayError, UsageError
from genzoo_core.pictures import RunRecord

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.builds(
    RunRecord,
    model=TEXT,
    weights=TEXT,
    mode=st.sampled_from(["sample", "interpolate"]),
    n=st.integers(1, 1000),
    seed=st.integers(0, 2**63 - 1),
    prompts=st.lists(TEXT).map(tuple),
    options=st.dictionaries(TEXT, st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    conditions=st.dictionaries(TEXT, TEXT),
    pictures=st.none() | st.tuples(st.integers(0, 9), st.integers(10, 99)),
)


@given(RECORDS)
def test_a_record_survives_json(record: RunRecord) -> None:
    provenance = Provenance(record, Layout(4, 2))
    assert decode(encode(provenance).encode(), Path("a.png")) == provenance


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b'{"record": {}}',
        b'{"record": {"model": 1}}',
        b'{"record":' * 100_000,
        b"[" * 100_000,
        b'{"record": {"model": "\\ud800", "weights": "", "mode": "sample", "n": 1, "seed": 0}}',
        b'{"record": {"model": "", "weights": "", "mode": "shell", "n": 1, "seed": 0}}',
        b'{"record": {"model": "", "weights": "", "mode": "sample", "n": 1e99, "seed": 0}}',
        b'{"record": {"model": "", "weights": "", "mode": "sample", "n": 1, "seed": 0, "x": 1}}',
        b" " * (MAX_RECORD + 1),
    ],
)
def test_hostile_31_a_record_that_is_none(text: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        decode(text, Path("a.png"))
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, ReplayError | UsageError)


@pytest.fixture(scope="module")
def files(painter_site: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A file of each format."""
    from genzoo.pictures.generating import generate, open_zoo
    from genzoo.pictures.writers.destination import choose, write

    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(painter_site))
        patch.setenv("GENZOO_CACHE", str(folder / "cache"))
        zoo = open_zoo()
        pictures = generate("colour", n=2, seed=0, keep_frames=True, zoo=zoo)
        names = ("a.png", "a.gif", "a.npz", "a.safetensors")
        for name in names:
            target = choose(str(folder / name), force=False, catalogue=zoo.catalogue)
            write(target, pictures, zoo)
    return [(folder / name).read_bytes() for name in names]


@given(which=st.integers(0, 3), data=st.data())
@settings(max_examples=300, deadline=None)
def test_hostile_31_a_damaged_file_is_read_or_refused(
    files: list[bytes], tmp_path_factory: pytest.TempPathFactory, which: int, data: st.DataObject
) -> None:
    content = bytearray(files[which])
    cut = data.draw(st.integers(0, len(content)))
    del content[cut if data.draw(st.booleans()) else len(content) :]
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    with suppress(RecordError):
        assert isinstance(read(path).record, RunRecord)


def test_hostile_31_an_archive_that_lies_about_its_size(tmp_path: Path) -> None:
    import zipfile

    header = b"\x93NUMPY\x01\x00v\x00"
    shape = b"{'descr': '<U1', 'fortran_order': False, 'shape': (1099511627776,), }"
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("record.npy", header + shape.ljust(117) + b"\n" + b"xxxx")
    with pytest.raises(RecordError, match="damaged"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("record.npy", bytes(64 * 2**20))
    with pytest.raises(RecordError, match="too large"):
        read(path)


def test_hostile_31_pixels_that_are_text(tmp_path: Path) -> None:
    record = RunRecord(model="a/b", weights="", mode="sample", n=1, seed=0)
    path = tmp_path / "a.npz"
    for images in (np.full((1, 8, 8, 1), "x"), np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 1))):
        np.savez(path, record=np.array(encode(Provenance(record))), images=images)
        with pytest.raises(RecordError, match="damaged"):
            read(path)


def test_hostile_31_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    path = tmp_path / "a.npz"
    np.savez(path, record=np.array(Bomb(), dtype=object))
    with pytest.raises(RecordError):
        read(path)
    assert not (tmp_path / "exploded").exists()
