"""What an evaluation caches: whatever became of it, the report is the same."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.judging import command, expect, parsed
from fuzzing.mutations import EDGES, as_json, changed, changed_bytes, changed_text

WORDS = ["eval", "x.npz", "--reference", "mnist", "--data", "data", "-n", "50", "--json"]


def prepare() -> Callable[[Random], None]:
    import numpy as np
    import torch
    from PIL import Image

    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (150, 28, 28), dtype=np.uint8)
    for number, image in enumerate(pixels[50:]):
        path = Path("data/mnist", "test" if number % 2 else "train", str(number % 10))
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / f"{number}.png")
    np.savez("x.npz", images=pixels[:50])
    sound = parsed(command(*WORDS))
    cache, copy = Path(os.environ["GENZOO_CACHE"], "eval"), Path("copy")
    shutil.copytree(cache, copy)
    files = sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file())
    reports = [file for file in files if file.suffix == ".json"]

    def example(chance: Random) -> None:
        shutil.rmtree(cache)
        shutil.copytree(copy, cache)
        damaged = [chance.choice(files)]
        for report in reports:  # while that is sound, nothing else is read
            if report not in damaged:
                (cache / report).unlink()
        for file in damaged:
            damage(chance, cache / file)
        expect(parsed(command(*WORDS)) == sound, f"another report, for another {damaged[0]}")

    return example


def damage(chance: Random, path: Path) -> None:
    """Change what a disk, another version or a copy may have changed, or put something there."""
    data = path.read_bytes()
    match chance.randrange(5):
        case 0 if path.suffix == ".json":
            data = changed_text(chance, as_json(changed(chance, json.loads(data))))
        case 0 if path.suffix == ".safetensors":
            end = 8 + int.from_bytes(data[:8], "little")
            header = as_json(changed(chance, json.loads(data[8:end])))
            data = len(header).to_bytes(8, "little") + header + data[end:]
        case 1:
            data = (chance.choice(EDGES) % 2**64).to_bytes(8, "little") + data[8:]
        case 2:
            path.unlink()
            path.mkdir()
            return
        case _:
            data = changed_bytes(chance, data)
    path.write_bytes(data)
