"""Coloured figures in two styles, whose captions are two words: what can be composed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import Dataset as Table
from datasets import Features, Image, Value
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.images import to_pil

COLOURS = {
    "red": (230, 30, 30),
    "green": (20, 160, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 20),
    "black": (10, 10, 10),
    "pink": (250, 130, 200),
    "brown": (130, 70, 20),
    "cyan": (20, 210, 220),
}
FIGURES = ("disc", "cross", "bar", "pole", "frame", "stair", "corner", "dots")
STYLES = ("framed", "plain")
SIDE = 12
CAPTIONS = tuple(f"{colour} {figure}" for colour in COLOURS for figure in FIGURES)
HELD_OUT = tuple(
    f"{colour} {FIGURES[(place + step) % 8]}"
    for place, colour in enumerate(COLOURS)
    for step in (0, 3)
)
"""Two figures of each colour, two colours of each figure."""


def mask(figure: str) -> Tensor:
    """Where a figure is, bool `[12, 12]`."""
    across = torch.arange(SIDE)[None].expand(SIDE, SIDE)
    down = across.T
    x, y = (across - 5.5).abs(), (down - 5.5).abs()
    where = {
        "disc": x.square() + y.square() < 17,
        "cross": ((x < 1.1) | (y < 1.1)) & (x < 4.1) & (y < 4.1),
        "bar": (y < 1.1) & (x < 4.1),
        "pole": (x < 1.1) & (y < 4.1),
        "frame": (x < 4.1) & (y < 4.1) & ((x > 2.1) | (y > 2.1)),
        "stair": (across >= down) & (x < 4.1) & (y < 4.1),
        "corner": ((across < 4) | (down > 7)) & (x < 4.1) & (y < 4.1),
        "dots": (x > 1.4) & (y > 1.4) & (x < 4.1) & (y < 4.1),
    }
    return where[figure]


def picture(caption: str, style: str) -> Tensor:
    """uint8 `[3, 12, 12]` on white; a framed one has a grey edge."""
    colour, figure = caption.split()
    out = torch.full((3, SIDE, SIDE), 255, dtype=torch.uint8)
    if style == "framed":
        edge = torch.ones(SIDE, SIDE, dtype=torch.bool)
        edge[1:-1, 1:-1] = False
        out[:, edge] = 120
    out[:, mask(figure)] = torch.tensor(COLOURS[colour], dtype=torch.uint8)[:, None]
    return out


def figures(split: str, held_out: Sequence[str] = HELD_OUT) -> Dataset:
    """Each caption in both styles: the held-out ones in the test split, the others to train on."""
    captions = [text for text in CAPTIONS if (text in held_out) == (split == "test")]
    rows = [(text, style) for text in captions for style in STYLES]
    columns = {
        "text": [text for text, _ in rows],
        "style": [style for _, style in rows],
        "category": [text.split()[1] for text, _ in rows],
    }
    return Dataset(torch.stack([picture(*row) for row in rows]), columns)


def write(folder: Path, held_out: Sequence[str] = HELD_OUT) -> None:
    """Both splits as parquet files, as the Hub has them."""
    folder.mkdir()
    for split in ("train", "test"):
        data = figures(split, held_out)
        rows = {"image": [to_pil(image) for image in data.images], **data.columns}
        features = Features({"image": Image(), **dict.fromkeys(data.columns, Value("string"))})
        table = Table.from_dict(rows, features=features)
        table.to_parquet(folder / f"{split}-00000-of-00001.parquet")
