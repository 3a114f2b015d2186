"""Records, and files of pictures that hold one: replayed, or refused."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.binaries import changed_archive, npy, png_with
from fuzzing.judging import command, expect
from fuzzing.material import on_path, trap, write_vae
from fuzzing.mutations import as_json, changed, changed_bytes, changed_text

MODEL = "m.safetensors"


def prepare() -> Callable[[Random], None]:
    import torch

    torch.set_num_threads(1)
    ran = trap(on_path("site"))
    write_vae(Path(MODEL))
    words = {
        "a": ["a", "b", "-n", "2", "--seed", "5", "--set", "temperature=0.5"],
        "walk": ["a", "--interpolate", "3,8", "-n", "4"],
        "plain": ["-n", "3"],
    }
    for name, its in words.items():
        command("run", MODEL, *its, "-o", f"{name}.png")
    command("run", MODEL, "--input", "plain.png", "-o", "again.png")
    for suffix in ("npz", "safetensors"):
        command("run", MODEL, *words["a"], "-o", f"a.{suffix}")
        command("encode", MODEL, "plain.png", "-o", f"latents.{suffix}")
    command("run", MODEL, *words["walk"], "-o", "walk.gif")
    for suffix in ("jpg", "webp"):
        command("run", MODEL, *words["a"], "--scale", "3", "-o", f"a.{suffix}")
    sound = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    sound = {name: data for name, data in sound.items() if name != MODEL}
    records = [record_of(sound[f"{name}.png"]) for name in ("a", "walk", "plain", "again")]

    def example(chance: Random) -> None:
        Path("x").unlink(missing_ok=True)
        if chance.random() < 0.35:
            Path("x").write_bytes(changed_bytes(chance, sound[chance.choice(sorted(sound))]))
        else:
            text = as_json(changed(chance, chance.choice(records)))
            if chance.random() < 0.2:
                text = changed_text(chance, text)
            Path("x").write_bytes(holding(chance, text, sound))
        try:
            command("run", "--replay", "x", "-o", "out.png", "-f", "--no-preview")
        finally:
            expect(not ran.exists(), "it imported what the record names")
            extra = {*os.listdir()} - {*sound, MODEL, "x", "out.png", "site"}
            expect(not extra, f"it wrote {extra}")

    return example


def record_of(png: bytes) -> Any:
    """What a PNG says of itself."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return json.loads(image.info["genzoo"])


def holding(chance: Random, text: bytes, sound: dict[str, bytes]) -> bytes:
    """A file with this record, and mostly with the pictures of another."""
    match chance.choice(["png", "png", "npz", "safetensors", "gif", "jpg", "webp"]):
        case "npz":
            with zipfile.ZipFile(io.BytesIO(sound["a.npz"])) as archive:
                members = {name: archive.read(name) for name in archive.namelist()}
            words = text.decode("utf-8", "replace")
            members["record.npy"] = npy(f"<U{len(words)}", (), words.encode("utf-32-le"))
            return changed_archive(chance, members)
        case "safetensors":
            data = sound["a.safetensors"]
            end = 8 + int.from_bytes(data[:8], "little")
            header = json.loads(data[8:end])
            header["__metadata__"]["genzoo"] = text.decode("utf-8", "surrogateescape")
            if chance.random() < 0.2:
                header = changed(chance, header)
            new = as_json(header)
            return len(new).to_bytes(8, "little") + new + data[end:]
        case "gif":
            from PIL import Image

            out = io.BytesIO()
            with Image.open(io.BytesIO(sound["walk.gif"])) as image:
                image.save(out, "GIF", comment=text)
            return out.getvalue()
        case "jpg" | "webp" as suffix:
            from PIL import Image

            exif = Image.Exif()
            exif.get_ifd(0x8769)[0x927C] = text[:60_000]
            out = io.BytesIO()
            with Image.open(io.BytesIO(sound[f"a.{suffix}"])) as image:
                image.save(out, image.format, exif=exif, lossless=True)
            return out.getvalue()
    return png_with(sound[chance.choice(["a.png", "walk.png", "plain.png"])], text)
