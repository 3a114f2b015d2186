"""Changes of binary files where their formats say what is what: PNG, TIFF, .npy and .npz."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from contextlib import suppress
from random import Random

from fuzzing.mutations import EDGES, changed_bytes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNKS = [
    *((b"tRNS", b""), (b"tRNS", b"\0\0"), (b"tRNS", b"\0" * 300), (b"PLTE", b"\0" * 10)),
    *((b"gAMA", b"\0\0\0\0"), (b"iCCP", b"x\0\0junk"), (b"eXIf", b"MM\0*\0\0\0\x08\xff\xff")),
    *((b"zTXt", b"genzoo\0\0" + zlib.compress(b"x" * 10**6)), (b"acTL", b"\0\0\0\x09\0\0\0\0")),
    *(
        (b"iTXt", b"genzoo\0\1\0\0\0" + zlib.compress(b"{" * 10**6)),
        (b"sBIT", b"\0"),
        (b"IEND", b""),
    ),
    *((b"fcTL", b"\0" * 26), (b"cHRM", b"\xff" * 32), (b"pHYs", b"\0"), (b"\0\xff\0\xff", b"x")),
]


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents of a sound PNG's chunks."""
    chunks, at = [], len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, with the checksums that they have."""
    parts = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    ]
    return SIGNATURE + b"".join(parts)


def png_with(data: bytes, record: bytes) -> bytes:
    """A sound PNG with another record."""
    chunks = [chunk for chunk in png_chunks(data) if chunk[0] != b"iTXt"]
    return png_of([chunks[0], (b"iTXt", b"genzoo\0\0\0\0\0" + record), *chunks[1:]])


def changed_png(chance: Random, data: bytes) -> bytes:
    """A PNG with changed chunks whose checksums are right, so that a reader looks into them."""
    chunks = png_chunks(data)
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(chunks))
        name, body = chunks[at]
        match chance.randrange(7):
            case 0:
                width, height, *rest = struct.unpack(">IIBBBBB", chunks[0][1][:13].ljust(13, b"\0"))
                sides = [0, 1, 9, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 8000]
                rest[chance.randrange(5)] = chance.choice([0, 1, 2, 3, 4, 6, 8, 16, 255])
                size = chance.choice(
                    [(width, height), (chance.choice(sides), chance.choice(sides))]
                )
                chunks[0] = (chunks[0][0], struct.pack(">IIBBBBB", *size, *rest))
            case 1:
                chunks[at] = (name, changed_bytes(chance, body))
            case 2:
                del chunks[at]
                if not chunks:
                    break
            case 3:
                chunks.insert(at, chance.choice(chunks))
            case 4 | 5:
                chunks.insert(at, chance.choice(CHUNKS))
            case 6 if name == b"IDAT":
                with suppress(zlib.error):  # it was changed before
                    raw = zlib.decompressobj().decompress(body, 10**6)
                    chunks[at] = (name, zlib.compress(changed_bytes(chance, raw)))
    whole = png_of(chunks)
    return changed_bytes(chance, whole) if chance.random() < 0.1 else whole


TAGS = (
    *(254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324),
    *(325, 338, 339, 347, 530, 34665, 34675),
)
"""Tags of TIFF that a decoder obeys."""


def changed_tiff(chance: Random, data: bytes) -> bytes:
    """A TIFF with changed entries of its first directory."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack(f"{order}I", data[4:8])
    (count,) = struct.unpack(f"{order}H", data[start : start + 2])
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = start + 2 + 12 * chance.randrange(count)
        tag, kind, number, value = struct.unpack(f"{order}HHII", out[at : at + 12])
        match chance.randrange(4):
            case 0:
                tag = chance.choice([*TAGS, tag + 1])
            case 1:
                kind = chance.choice([*range(20), 255])
            case 2:
                number = chance.choice(EDGES) % 2**32
            case 3:
                value = chance.choice([*range(10), 32946, 34712, 50000, *EDGES]) % 2**32
        out[at : at + 12] = struct.pack(f"{order}HHII", tag, kind, number, value)
    return bytes(out)


ARRAY_TYPES = [
    *("'|u1'", "'|i1'", "'<u2'", "'>u2'", "'<i8'", "'>i8'", "'<u8'", "'|b1'", "'<f2'", "'<f4'"),
    *("'<f8'", "'<f16'", "'<c16'", "'|O'", "'<U3'", "'<U0'", "'|S0'", "'|S5'", "'|V3'", "'|V0'"),
    *("'<M8[ns]'", "'<m8'", "[('a', '|u1')]", "[('a', '|u1', (2,)), ('b', '|O')]", "[]", "''"),
    *("'u1,u1'", "'(9999999,9999999)u1'", "('|u1', (2, 2))", "'x'", "None", "3", "{}", "'|u1' * 9"),
    *("'<U999999999'", "[('', '|u1')]", "[('a', '|u1'), ('a', '|u1')]", "'\\0'", "b'|u1'"),
]
"""What the header of an array may say of its type."""


def npy(descr: str, shape: tuple[int, ...], data: bytes) -> bytes:
    """An array as a .npy file."""
    return npy_header(repr(descr), repr(shape), "False", (1, 0)) + data


def npy_header(descr: str, shape: str, fortran: str, version: tuple[int, int]) -> bytes:
    """The header of a .npy file, which says whatever one likes."""
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text = text + " " * (-(len(text) + 11) % 64) + "\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text.encode("utf-8", "replace")


def changed_archive(chance: Random, members: dict[str, bytes]) -> bytes:
    """A zip archive of these members, which may be odd as an archive."""
    out = io.BytesIO()
    method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
            if chance.random() < 0.02:
                out.write(b"between")
    data = out.getvalue()
    match chance.randrange(10):
        case 0:
            return changed_bytes(chance, data)
        case 1:  # the directory, which says sizes, offsets, methods and flags
            at = data.index(b"PK\x01\x02")
            return data[:at] + changed_bytes(chance, data[at:])
        case 2:
            at = data.index(b"PK\x01\x02") + chance.choice([6, 8, 10, 16, 20, 24, 28, 42])
            number = struct.pack("<H", chance.choice([0, 1, 8, 9, 12, 14, 99, 2**15, 2**16 - 1]))
            return data[:at] + number + data[at + 2 :]
    return data
