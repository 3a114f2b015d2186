"""Picture files: every format, orientation and depth as any viewer shows it, or refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genzoo_core import UsageError
from genzoo_core.images import from_pil
from genzoo_core.picture_files import (
    decode,
    find_pictures,
    left_out,
    picture_suffixes,
    read_content,
)
from genzoo_core.reading import read_bytes

BASE = Image.new("RGB", (16, 16), (200, 60, 90))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def grey_of(data: bytes, background: int = 255) -> list[int]:
    """The levels of a picture, each once, as a model of grey pictures gets them."""
    image = decode(data, "it")
    return from_pil(image, (1, image.height, image.width), background).unique().tolist()


FORMATS = """
    AVIF BMP DDS GIF ICNS ICO JPEG JPEG2000 MPO PCX PNG PPM QOI SGI TGA TIFF WEBP
"""


@pytest.mark.parametrize("kind", FORMATS.split())
def test_every_format_of_pillow_is_decoded(kind: str) -> None:
    pixels = from_pil(decode(encoded(BASE, kind), "it"), (3, 16, 16))
    assert np.allclose(pixels[:, 8, 8].tolist(), (200, 60, 90), atol=5)
    assert kind in picture_suffixes().values() or kind == "MPO"


@pytest.mark.parametrize("kind", ["EPS", "PDF"])
def test_what_pillow_gives_to_another_program_is_not_opened(kind: str) -> None:
    with pytest.raises(UsageError, match="it is not a picture that can be read"):
        decode(encoded(BASE, kind), "it")
    assert kind not in picture_suffixes().values()


# Where the white corner of a picture lies that is stored with it at the top left (Exif 2.32,
# 4.6.4: the visual top and left of the 0th row and column).
CORNERS = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_data_says(kind: str, orientation: int) -> None:
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(Image.fromarray(stored), kind, exif=exif), "it")
    assert image.size == ((16, 32) if orientation > 4 else (32, 16))
    levels = np.asarray(image.convert("L")).astype(int)
    height, width = levels.shape
    quarters = levels.reshape(2, height // 2, 2, width // 2).mean((1, 3))
    assert np.unravel_index(quarters.argmax(), (2, 2)) == CORNERS[orientation]


def test_exif_data_that_is_damaged_turns_nothing() -> None:
    data = encoded(BASE, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff damage")
    assert decode(data, "it").size == (16, 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "JPEG2000"])
@pytest.mark.parametrize("level", [0, 1, 128, 200, 255])
def test_sixteen_bits_are_scaled_by_their_range(kind: str, level: int) -> None:
    deep = Image.fromarray(np.full((8, 8), 257 * level, np.uint16))
    assert grey_of(encoded(deep, kind)) == [level]


def tiff(bits: int, photometric: int, data: bytes, sample_format: int = 1) -> bytes:
    """A TIFF file of 2×1 grey pixels, by hand (TIFF 6.0, section 2)."""
    tags = [
        (256, 3, 2),
        (257, 3, 1),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, 1),
        (279, 4, len(data)),
        (339, 3, sample_format),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    padded = data + bytes(-len(data) % 4)
    header = b"II*\0" + struct.pack("<I", 8 + len(padded))
    return header + padded + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_depths_of_tiff() -> None:
    # 12 bits: 2048 of 4095 is grey 127.5; two pixels are three bytes, 0x800 and 0xFFF.
    assert grey_of(tiff(12, 1, bytes([0x80, 0x0F, 0xFF]))) == [128, 255]
    # White is zero.
    assert grey_of(tiff(16, 0, struct.pack("<2H", 0, 257 * 55))) == [200, 255]
    assert grey_of(tiff(8, 0, bytes([0, 55]))) == [200, 255]


@pytest.mark.parametrize(
    ("bits", "sample_format", "data"),
    [
        (8, 2, struct.pack("<2b", -1, 100)),
        (16, 2, struct.pack("<2h", -1, 30000)),
        (32, 1, struct.pack("<2I", 5, 65535)),
        (32, 2, struct.pack("<2i", -5, 65535)),
        (32, 3, struct.pack("<2f", 0.0, 1.0)),
    ],
)
def test_levels_without_a_known_range_are_refused(
    bits: int, sample_format: int, data: bytes
) -> None:
    with pytest.raises(UsageError, match=r"it has .*levels.*, whose range is not known; sa"):
        decode(tiff(bits, 1, data, sample_format), "it")


def png(colour: int, bits: int, row: bytes, clear: bytes) -> bytes:
    """A PNG file of 2×1 pixels of which one level is clear (PNG 3rd edition, 11.3.1.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = struct.pack(">IIBBBBB", 2, 1, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in [*chunks, (b"IEND", b"")])


def test_transparency_is_laid_on_the_background() -> None:
    for mode, pixel in (
        ("LA", (128, 0)),
        ("RGBA", (1, 2, 3, 0)),
        ("La", (0, 0)),
        ("RGBa", (0,) * 4),
    ):
        assert from_pil(Image.new(mode, (8, 8), pixel), (1, 8, 8), 77).unique().tolist() == [77], (
            mode
        )
    assert grey_of(png(0, 8, bytes([9, 200]), struct.pack(">H", 9)), 77) == [77, 200]
    deep = struct.pack(">2H", 1000, 257 * 200)
    assert grey_of(png(0, 16, deep, struct.pack(">H", 1000)), 77) == [77, 200]
    palette = Image.new("P", (8, 8), 3)
    palette.putpalette([200] * 768)
    assert grey_of(encoded(palette, "GIF", transparency=3), 77) == [77]


def test_colours_are_converted_or_refused() -> None:
    ink = encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "TIFF")
    assert grey_of(ink) == [0]
    with pytest.raises(UsageError, match="it has LAB colours; convert it to RGB"):
        decode(encoded(Image.new("LAB", (8, 8)), "TIFF"), "it")


@given(
    kind=st.sampled_from(["PNG", "TIFF", "GIF", "BMP", "PCX", "TGA", "SGI", "QOI", "ICO"]),
    cut=st.integers(0, 400),
    flips=st.dictionaries(st.integers(0, 400), st.integers(1, 255), max_size=9),
)
def test_damage_is_one_line_that_names_the_picture(
    kind: str, cut: int, flips: dict[int, int]
) -> None:
    data = bytearray(encoded(BASE, kind))
    for place, flip in flips.items():
        data[place % len(data)] ^= flip
    try:
        decode(bytes(data[: len(data) - cut % len(data)]), "the picture")
    except UsageError as error:
        said = str(error)
    else:
        return
    assert said.startswith("the picture ")


def test_a_folder_is_searched_for_pictures_alone(tmp_path: Path) -> None:
    names = ["a [1].png", "b*.JPG", "c::d.webp", "Grüße 👋.tiff", "deep/er/e.gif", "f.jp2"]
    skipped = [".DS_Store", "._a.png", ".ipynb_checkpoints/a-checkpoint.png", "Thumbs.db"]
    skipped += ["__MACOSX/x.png", "@eaDir/y.jpg", "desktop.ini"]
    others = ["read me.txt", "shot.HEIC", "shot2.heic", "no_suffix"]
    for name in (*names, *skipped, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    found = find_pictures(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in found.pictures} == set(names)
    assert {str(path.relative_to(tmp_path)) for path in found.others} == set(others)
    assert left_out(found.others) == (
        "4 files are left out, of kinds that Pillow does not decode here: .heic, without suffix, .t"
        "xt"
    )


@pytest.mark.parametrize("made", ["pipe", "device", "folder", "dangling", "loop"])
def test_what_is_no_regular_file_is_refused_at_once(made: str, tmp_path: Path) -> None:
    path = tmp_path / "it.png"
    if made == "pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    elif made == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "dangling": "gone", "loop": path}[made])
    with pytest.raises(UsageError, match=r"cannot read .*it\.png: "):
        read_content(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "it"
    file.write_bytes(bytes(101))
    with pytest.raises(OSError, match="it has more than 100 bytes"):
        read_bytes(file, 100)
    assert read_bytes(file, 101) == bytes(101)
