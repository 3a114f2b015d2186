"""The record that files carry, and what is made of hostile ones."""

from __future__ import annotations

import json
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import Cli, Outcome, assert_refused
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors import safe_open
from safetensors.numpy import save_file

from genzoo_core.request import Record

MAX_RECORD = 2**20
"""Most bytes of a record as JSON."""

REQUESTS = st.fixed_dictionaries(
    {
        "label": st.integers(0, 9) | st.just("random"),
        "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        "n": st.integers(1, 3),
        "seed": st.integers(0, 2**63 - 4),
        "temperature": st.floats(0, 1e3),
        "batch": st.integers(1, 99),
    }
).filter(lambda request: request["text"].strip())


def replay(cli: Cli, path: str | Path) -> Outcome:
    return cli("run", "--replay", path, "-o", "again.png", "-f", "--json")


@given(REQUESTS)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_record_survives_its_file(painter: Path, cli: Cli, request: dict[str, Any]) -> None:
    words = ["run", "colour", str(request["label"]), "--set", f"text={request['text']}"]
    for name in ("seed", "batch"):
        words += [f"--{name}", str(request[name])]
    words += ["-n", str(request["n"]), "--set", f"temperature={request['temperature']!r}"]
    done = cli(*words, "-o", "a.png", "-f", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)["record"]
    assert record["prompts"] == [str(request["label"])]
    assert record["conditions"] == {"text": request["text"]}
    assert record["options"]["temperature"] == request["temperature"]
    assert (record["n"], record["seed"]) == (request["n"], request["seed"])
    with Image.open("a.png") as image:
        assert json.loads(image.info["genzoo"])["record"] == record
    done = replay(cli, "a.png")
    assert done.code == 0, done.err
    assert json.loads(done.out)["record"] == record


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b'{"format": 2, "record": {}}',
        b'{"format": 2, "record": {"model": 1}}',
        b'{"format": 2, "record":' * 100_000,
        b"[" * 100_000,
        b'{"format": 2, "record": {"model": "\\ud800", "weights": "", "n": 1, "seed": 0}}',
        b'{"format": 2, "record": {"model": "", "weights": "", "encode": "x", "n": 1, "seed": 0}}',
        b'{"format": 2, "record": {"model": "", "weights": "", "n": 1e99, "seed": 0}}',
        b'{"format": 2, "record": {"model": "", "weights": "", "n": 1, "seed": 0, "x": 1}}',
        b" " * (MAX_RECORD + 1),
        b'{"record": {"model": "a/b", "weights": "", "mode": "sample", "n": 1, "seed": 0}}',
    ],
)
def test_hostile_31_a_record_that_is_none(painter: Path, cli: Cli, text: bytes) -> None:
    Image.new("L", (8, 8)).save("a.gif", comment=text)
    assert_refused(cli("run", "--replay", "a.gif"), "a.gif")


@pytest.fixture
def files(painter: Path, cli: Cli) -> list[bytes]:
    """A file of each format."""
    names = ("a.png", "a.gif", "a.npz", "a.safetensors", "a.jpg", "a.webp")
    for name in names:
        assert cli("run", "colour", "-n", "2", "--seed", "0", "-o", name).code == 0
    return [Path(name).read_bytes() for name in names]


def test_hostile_31_a_damaged_file_is_read_or_refused(files: list[bytes], cli: Cli) -> None:
    codes: set[int] = set()

    @given(which=st.integers(0, 5), data=st.data())
    @settings(max_examples=300, deadline=None)
    def read(which: int, data: st.DataObject) -> None:
        content = bytearray(files[which])
        cut = data.draw(st.integers(0, len(content)))
        del content[cut if data.draw(st.booleans()) else len(content) :]
        for _ in range(data.draw(st.integers(0, 4))):
            if content:
                at = data.draw(st.integers(0, len(content) - 1))
                content[at] = data.draw(st.integers(0, 255))
        Path("damaged").write_bytes(content)
        done = replay(cli, "damaged")
        codes.add(done.code)
        assert done.code in (0, 1, 2), done
        assert "unexpected failure" not in done.err
        assert "Traceback" not in done.err
        if done.code:
            assert done.out == ""
            assert done.err.splitlines()[-1].startswith("Error: ")

    read()
    assert {0, 2} <= codes


def test_hostile_31_an_archive_that_lies_about_its_size(painter: Path, cli: Cli) -> None:
    header = b"\x93NUMPY\x01\x00v\x00"
    shape = b"{'descr': '<U1', 'fortran_order': False, 'shape': (1099511627776,), }"
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("record.npy", header + shape.ljust(117) + b"\n" + b"xxxx")
    assert_refused(replay(cli, "a.npz"), "damaged")
    with zipfile.ZipFile("a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("record.npy", bytes(64 * 2**20))
    assert_refused(replay(cli, "a.npz"), "too large")


def test_hostile_31_pixels_that_are_text(painter: Path, cli: Cli) -> None:
    record = Record(model="a/b", weights="", n=1, seed=0)
    text = msgspec.json.encode({"format": 2, "record": record}).decode()
    for images in (np.full((1, 8, 8, 1), "x"), np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 1))):
        np.savez("a.npz", record=np.array(text), images=images)
        assert_refused(replay(cli, "a.npz"), "damaged")


def test_hostile_31_a_record_that_is_no_text(painter: Path, cli: Cli) -> None:
    np.savez("a.npz", record=np.zeros(3), images=np.zeros((1, 8, 8, 1), np.uint8))
    assert_refused(replay(cli, "a.npz"), "record.npy holds float64")


def npy(header: str, data: bytes, version: int = 1) -> bytes:
    """An array file with that header."""
    text = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 8, 8, 1)}", bytes(65)), "65"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2**40,)}", b""), "damaged"),
        (
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,)}", b""),
            "0 bytes",
        ),
        (npy("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 8, 8, 1)}", bytes(64)), "holds"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (64,)}", bytes(64), 2), "version"),
    ],
)
def test_hostile_31_an_array_that_is_not_what_genzoo_writes(
    painter: Path, cli: Cli, images: bytes, says: str
) -> None:
    assert cli("run", "plain", "--seed", "0", "-o", "a.npz").code == 0
    with zipfile.ZipFile("a.npz") as archive:
        record = archive.read("record.npy")
    with zipfile.ZipFile("b.npz", "w") as archive:
        archive.writestr("record.npy", record)
        archive.writestr("images.npy", images)
    assert_refused(replay(cli, "b.npz"), "damaged", says)


def test_hostile_31_an_array_beside_the_pictures_does_not_hide_them(
    painter: Path, cli: Cli
) -> None:
    assert cli("run", "plain", "--seed", "0", "-o", "a.npz").code == 0
    with np.load("a.npz") as file:
        arrays = dict(file)
    arrays["images"] = 255 - arrays["images"]
    np.savez("b.npz", **arrays, mean=np.zeros(3))
    done = replay(cli, "b.npz")
    assert done.code == 1
    assert "is not what its record makes" in done.err


def test_hostile_31_an_array_of_objects_is_not_unpickled(
    painter: Path, tmp_path: Path, cli: Cli
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    np.savez("a.npz", record=np.array(Bomb(), dtype=object))
    assert_refused(replay(cli, "a.npz"), "a.npz")
    assert not (tmp_path / "exploded").exists()


def bomb(record: bytes, compression: int) -> None:
    """An archive of a few hundred KiB with 400 MiB of pictures, of which the record has two."""
    n = 400 * 2**20 // 64
    with zipfile.ZipFile("bomb.npz", "w", compression) as archive:
        archive.writestr("record.npy", record)
        with archive.open("images.npy", "w", force_zip64=True) as images:
            shape = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({n}, 8, 8, 1)}}"
            images.write(npy(shape, b""))
            for _ in range(n * 64 // 2**20):
                images.write(bytes(2**20))


@pytest.mark.parametrize(
    ("compression", "says"),
    [
        (zipfile.ZIP_DEFLATED, "what bomb.npz shows is not what its record makes"),
        (zipfile.ZIP_BZIP2, "is compressed as numpy does not"),
    ],
)
def test_hostile_31_pixels_that_the_record_does_not_promise_are_not_inflated(
    painter: Path, cli: Cli, compression: int, says: str
) -> None:
    cli("run", "plain", "-n", "2", "-o", "a.npz")
    with zipfile.ZipFile("a.npz") as archive:
        bomb(archive.read("record.npy"), compression)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = replay(cli, "bomb.npz")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (done.code, done.out) in [(1, ""), (2, "")]
    assert says in done.err
    assert grown * (1 if sys.platform == "darwin" else 1024) < 100 * 2**20


def test_hostile_31_an_archive_of_a_million_members(painter: Path, cli: Cli) -> None:
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("x", b"")
    data = Path("a.npz").read_bytes()
    start = data.index(b"PK\1\2")
    entry, end = data[start:-22], data[-22:]
    size = (len(entry) * 1_000_000).to_bytes(4, "little")
    many = data[:start] + entry * 1_000_000 + end[:12] + size + end[16:]
    Path("a.npz").write_bytes(many)
    assert_refused(replay(cli, "a.npz"), "its list of members is too long")


def test_hostile_31_files_larger_than_their_record_says(painter: Path, cli: Cli) -> None:
    for name in ("a.png", "a.safetensors", "a.npz", "one"):
        assert cli("run", "plain", "-n", "3", "--seed", "0", "-o", name).code == 0
    with Image.open("a.png") as image:
        text = image.info["genzoo"]
    info = PngInfo()
    info.add_itxt("genzoo", text)
    Image.new("L", (7000, 7000)).save("b.png", pnginfo=info)
    Image.new("RGB", (18, 18)).save("c.png", pnginfo=info)
    with safe_open("a.safetensors", "np") as file:
        metadata = file.metadata()
    images = np.zeros((4, 1, 8, 8), np.uint8)
    save_file({"images": images}, "b.safetensors", metadata)
    for name in ("b.png", "c.png", "b.safetensors"):
        done = replay(cli, name)
        assert done.code == 1
        assert f"what {name} shows is not what its record makes" in done.err


def test_hostile_31_text_in_a_png_that_inflates_without_end(painter: Path, cli: Cli) -> None:
    info = PngInfo()
    info.add_itxt("genzoo", " " * 64 * 2**20, zip=True)
    Image.new("L", (8, 8)).save("a.png", pnginfo=info)
    assert_refused(replay(cli, "a.png"), "a.png is a damaged picture")


def test_hostile_31_versions_without_end_are_a_few_short_lines(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    with Image.open("a.png") as image:
        said = json.loads(image.info["genzoo"])
        said["record"]["versions"] |= {"\x1b" * 5000 + str(i): "1" * 5000 for i in range(20)}
        info = PngInfo()
        info.add_itxt("genzoo", json.dumps(said))
        image.save("b.png", pnginfo=info)
    done = replay(cli, "b.png")
    assert done.code == 0
    lines = done.err.splitlines()
    assert sum(line.startswith("Warning: ") for line in lines) == 5
    assert max(map(len, lines)) < 400
