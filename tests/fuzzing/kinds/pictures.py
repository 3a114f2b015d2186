"""Pictures that a user gives to a model: reconstructed, or refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.binaries import changed_png, changed_tiff
from fuzzing.judging import command, expect
from fuzzing.material import write_vae
from fuzzing.mutations import changed_bytes

import genzoo
from genzoo_core.errors import GenzooError

GROWTH = 2 * 2**20
"""Kibibytes: one of 64 million pixels with transparency is several copies of 4 bytes each."""

MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "GIF": ["L", "P", "RGB"],
    "WEBP": ["RGB", "RGBA"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LAB", "YCbCr"],
    "BMP": ["1", "L", "P", "RGB"],
    "PPM": ["1", "L", "RGB", "I;16"],
}


def prepare() -> Callable[[Random], None]:
    import torch

    torch.set_num_threads(1)
    write_vae(Path("grey.safetensors"))
    write_vae(Path("colour.safetensors"), channels=3)
    zoo = genzoo.open_zoo()
    models = [zoo.open(f"{name}.safetensors") for name in ("grey", "colour")]
    sound = list(pictures())
    path = Path("x")

    def example(chance: Random) -> None:
        kind, data = chance.choice(sound)
        path.write_bytes(mutated(chance, kind, data))
        if chance.random() < 0.02:
            command(
                "run", "colour.safetensors", "--input", "x", "-o", "o.png", "-f", "--no-preview"
            )
            return
        made = genzoo.generate(chance.choice(models), inputs=path, zoo=zoo)
        expect(made.inputs is not None and made.inputs.isfinite().all(), "inputs are not finite")
        expect(made.images.isfinite().all(), "images are not finite")

    return example


def mutated(chance: Random, kind: str, data: bytes) -> bytes:
    """A picture's bytes, changed where its format says what is what, or anywhere."""
    if kind == "PNG" and chance.random() < 0.7:
        return changed_png(chance, data)
    if kind == "TIFF" and chance.random() < 0.7:
        return changed_tiff(chance, data)
    return changed_bytes(chance, data)


def pictures() -> list[tuple[str, bytes]]:
    """Small pictures of each format, mode and the usual ways to write it."""
    from PIL import Image

    noise = Random(0).randbytes(4 * 9 * 9 * 4)
    found = []
    exif = Image.Exif()
    exif[274] = 6
    ways = {
        "PNG": [{}, {"exif": exif}, {"icc_profile": b"x" * 40, "dpi": (72, 72)}],
        "JPEG": [{}, {"exif": exif, "progressive": True}],
        "GIF": [{}, {"save_all": True, "comment": b"x"}],
        "WEBP": [{}, {"lossless": True, "exif": exif}],
        "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_deflate"},
                 {"compression": "packbits"}, {"compression": "jpeg"}],
    }  # fmt: skip
    for kind, modes in MODES.items():
        for mode in modes:
            blank = Image.new(mode, (9, 9))
            image = Image.frombytes(mode, (9, 9), noise[: len(blank.tobytes())])
            for way in ways.get(kind, [{}]):
                out = io.BytesIO()
                try:
                    image.save(out, kind, **way)
                except (OSError, ValueError, KeyError, GenzooError):
                    continue  # this mode cannot be written so
                found.append((kind, out.getvalue()))
    return found
