"""A dataset of digits that every machine has: what a model of the zoo makes of seeds."""

from __future__ import annotations

from pathlib import Path

from datasets import ClassLabel, Features, Image
from datasets import Dataset as Table

import genzoo
from genzoo_core.images import to_pil, to_uint8

CLASSES = 10
SIZES = {"train": 60, "test": 40}
"""Images of each class."""

FIRST = 10**6
"""Seed of the first training image."""


def write_digits(folder: Path) -> None:
    """Write "mnist" into a folder: pictures of gan-mnist, from seeds that nothing else uses."""
    (folder / "mnist").mkdir()
    features = Features({"image": Image(), "label": ClassLabel(num_classes=CLASSES)})
    prompts = [str(i) for i in range(CLASSES)]
    for number, (split, each) in enumerate(SIZES.items(), 1):
        made = to_uint8(genzoo.generate("gan-mnist", prompts, n=each, seed=FIRST * number).images)
        rows = {
            "image": [to_pil(picture) for picture in made],
            "label": [i // each for i in range(len(made))],
        }
        file = folder / "mnist" / f"{split}-00000-of-00001.parquet"
        Table.from_dict(rows, features=features).to_parquet(file)
