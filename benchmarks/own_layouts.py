"""What `genzoo train flow` makes of folders of pictures that no recipe was written for.

    python benchmarks/own_layouts.py DIR -o runs/own-layouts [--steps 300]

DIR holds fashion_mnist and emoji, as parquet. Each folder is written as a person might have it,
looked at with `genzoo data`, trained on for a few steps, and the model draws. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pyarrow import parquet

CLOTHES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
           "Ankle boot")  # fmt: skip


def rows(dataset: Path, count: int) -> list[dict[str, object]]:
    """The first rows of a dataset's training pictures."""
    (file,) = dataset.glob("train-*.parquet")
    found: list[dict[str, object]] = parquet.read_table(file).slice(0, count).to_pylist()
    return found


def picture(row: dict[str, object]) -> Image.Image:
    """The picture of a row."""
    image = row["image"]
    assert isinstance(image, dict)
    return Image.open(BytesIO(image["bytes"]))


def save(image: Image.Image, file: Path) -> None:
    """Write a picture, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)


def scene(number: int, width: int, height: int) -> Image.Image:
    """Something like a photograph: soft spots of colour, a horizon, and grain."""
    chance = np.random.default_rng(number)
    spots = Image.fromarray(chance.integers(0, 256, (6, 8, 3)).astype(np.uint8))
    pixels = np.asarray(spots.resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    pixels[int(height * chance.uniform(0.4, 0.7)) :] *= 0.5
    pixels += chance.normal(0, 6, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photographs(folder: Path, data: Path) -> None:
    """Three sizes, JPEG, in folders by place."""
    for number in range(450):
        width, height = ((640, 480), (480, 640), (1024, 768))[number % 3]
        place = ("sea side", "woods")[number % 2]
        save(scene(number, width, height), folder / place / f"IMG_{number:04}.JPG")


def clothes(folder: Path, data: Path) -> None:
    """Fashion-MNIST with odd names of folders and files, and what else lies about."""
    for number, row in enumerate(rows(data / "fashion_mnist", 1500)):
        label = int(str(row["label"]))
        file = folder / "Training_Images" / f"{label}_{CLOTHES[label]}" / f"scan ({number}).PNG"
        save(picture(row), file)
    (folder / "Thumbs.db").write_bytes(b"\0")
    (folder / "READ ME.txt").write_text("scanned in May", encoding="utf-8")


def few(folder: Path, data: Path) -> None:
    """300 pictures."""
    for number, row in enumerate(rows(data / "emoji", 300)):
        save(picture(row).convert("RGB"), folder / f"{number}.png")


def one(folder: Path, data: Path) -> None:
    """One picture."""
    save(scene(0, 640, 480), folder / "holiday.jpg")


def wide(folder: Path, data: Path) -> None:
    """Twice as wide as high."""
    for number in range(300):
        save(scene(number, 96, 48), folder / f"{number}.png")


def deep(folder: Path, data: Path) -> None:
    """Grey, of 16 bits."""
    for number, row in enumerate(rows(data / "fashion_mnist", 400)):
        grey = np.asarray(picture(row)).astype(np.uint16) * 257
        save(Image.fromarray(grey), folder / f"{number}.png")


def clear(folder: Path, data: Path) -> None:
    """Partly transparent, with their captions beside them."""
    for number, row in enumerate(rows(data / "emoji", 400)):
        save(picture(row).convert("RGBA"), folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(str(row["text"]), encoding="utf-8")


LAYOUTS: dict[str, Callable[[Path, Path], None]] = {
    "photographs in three sizes": photographs,
    "clothes, oddly named": clothes,
    "300 pictures": few,
    "one picture": one,
    "twice as wide as high": wide,
    "grey, 16 bits": deep,
    "RGBA, captions beside": clear,
}


def genzoo(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose list and cache are in `out`."""
    own = {"GENZOO_MODELS": str(out / "models"), "GENZOO_CACHE": str(out / "cache")}
    own["GENZOO_DISABLE"] = "eval"  # too few steps to measure anything
    command = [sys.executable, "-m", "genzoo", *words]
    print("$ genzoo", *words, file=sys.stderr, flush=True)
    return subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, encoding="utf-8", check=False
    )


def tried(out: Path, folder: Path, steps: int) -> list[str]:
    """The cells of a line: what is found, what is learnt, and what comes of it."""
    looked = json.loads(genzoo(out, "data", str(folder), "--json").stdout)
    sizes = ", ".join(f"{size} ({count})" for size, count in looked["sizes"].items())
    data = looked["would_train"]["data"]
    shape = f"{'×'.join(map(str, data['shape']))}, {data['fit']}"
    conditions = ", ".join(looked["would_train"]["conditioners"]) or "none"
    name = f"{folder.name}-{steps}"
    run = out / "runs" / name
    words = ("train", "flow", "--data", str(folder), "--name", name, "--out", str(run))
    trained = genzoo(out, *words, "--steps", str(steps))
    if trained.returncode:
        return [sizes, shape, conditions, trained.stderr.splitlines()[-1]]
    drawn = genzoo(out, "run", name, "-n", "4", "--seed", "0", "-o", str(run / "drawn.png"), "-f")
    assert drawn.returncode == 0, drawn.stderr
    return [sizes, shape, conditions, "a model that is listed and draws"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with fashion_mnist and emoji")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    asked = parser.parse_args()
    out = asked.out.resolve()
    print("| folder | found | learnt | conditions | outcome |\n|---|---|---|---|---|")
    for name, write in LAYOUTS.items():
        folder = out / "folders" / write.__name__
        if not folder.exists():
            write(folder, asked.data)
        print(f"| {' | '.join([name, *tried(out, folder, asked.steps)])} |", flush=True)


if __name__ == "__main__":
    main()
