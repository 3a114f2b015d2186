"""Trainings from odd recipes and settings, and gone on with from odd checkpoints and logs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.judging import command
from fuzzing.kinds.settings import setting
from fuzzing.material import RECIPE, labels_and_pictures
from fuzzing.mutations import as_json, as_toml, changed, changed_bytes, changed_text

WORDS = ["--data", "data", "--out", "out", "--threads", "1"]


def prepare() -> Callable[[Random], None]:
    import torch

    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    labels, pictures = labels_and_pictures()
    for number, (label, data) in enumerate(zip(labels, pictures, strict=True)):
        path = Path("data/stripes", "ab"[label], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    recipe, out = Path("recipe.toml"), Path("out")
    sound = as_toml(RECIPE)
    recipe.write_text(sound)
    command("train", recipe, *WORDS, "--max-steps", "2")
    files = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    def example(chance: Random) -> None:
        shutil.rmtree(out, ignore_errors=True)
        recipe.write_text(sound)
        words = [*WORDS, "--max-steps", chance.choice(["1", "3"])]
        if chance.random() < 0.5:
            if chance.random() < 0.5:
                recipe.write_text(as_toml(changed(chance, RECIPE)), errors="replace")
            else:
                words += ["--set", setting(chance, RECIPE)]
        else:
            out.mkdir()
            for name, data in files.items():
                (out / name).write_bytes(data)
            damage(chance, out)
            words.append("--resume")
        command("train", recipe, *words)

    return example


def damage(chance: Random, out: Path) -> None:
    """Change a file of a training's folder."""
    path = out / chance.choice(["checkpoint.safetensors"] * 3 + ["log.jsonl", "card.toml"])
    data = path.read_bytes()
    if path.suffix == ".jsonl":
        data = changed_text(chance, data)
    elif path.suffix == ".safetensors" and chance.random() < 0.6:
        end = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:end])
        if chance.random() < 0.5:
            header["__metadata__"] = changed(chance, header["__metadata__"])
        else:
            header = changed(chance, header)
        text = as_json(header)
        data = len(text).to_bytes(8, "little") + text + data[end:]
    else:
        data = changed_bytes(chance, data)
    path.write_bytes(data)
