"""Draw docs/pictures-in.png: test pictures, variations of them, and parts of them made anew.

python tools/pictures_in.py docs/pictures-in.png --data DIR
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import msgspec
import torch
from PIL import Image
from torch import Tensor

import genzoo
from genzoo_core.images import grid, to_pil, to_uint8

SIDE, GAP, SEED = 64, 2, 1
STRENGTHS = (0.3, 0.5, 0.7, 0.9)
PICTURES = (
    ("flow-mnist", 18, "3", "lower"),
    ("flow-mnist", 0, "7", "right"),
    ("flow-fashion", 0, None, "upper"),
    ("flow-fashion", 8, None, "lower"),
    ("flow-emoji", 166, None, "lower"),
    ("flow-emoji", 330, None, "upper"),
)
"""Model, row of its test images, prompt (its own label or caption for None), what is made."""


def halves(shape: tuple[int, ...], part: str) -> Tensor:
    """A mask, bool `[1, H, W]`."""
    _, height, width = shape
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    rows = {"upper": slice(0, height // 2), "lower": slice(height // 2, height)}
    mask[:, rows.get(part, slice(None)), slice(width // 2, width) if part == "right" else ...] = (
        True
    )
    return mask


def png(image: Tensor) -> bytes:
    """An image `[C, H, W]` as a file."""
    out = io.BytesIO()
    to_pil(image).save(out, "PNG")
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    zoo = genzoo.open_zoo()
    cells: list[Tensor] = []
    for name, row, prompt, part in PICTURES:
        data = zoo.recipe(name).data
        test = zoo.dataset(msgspec.structs.replace(data, split="test"), given.data)
        image = test.images[row]
        column = "text" if "text" in test.columns else "label"
        asked = prompt or str(test.columns[column][row])
        opened = zoo.open(name)
        ways: dict[str, Any] = {"seed": SEED, "inputs": png(image), "zoo": zoo}
        varied = [
            genzoo.generate(opened, asked, strength=strength, **ways).images[0]
            for strength in STRENGTHS
        ]
        mask = halves(tuple(image.shape), part)
        hidden = torch.where(mask, 128, image)
        made = genzoo.generate(opened, asked, mask=png(mask.byte() * 255), n=4, **ways).images
        for each in (image, *map(to_uint8, varied), hidden, *to_uint8(made)):
            picture = to_pil(each).convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
            pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
            cells.append(pixels.reshape(SIDE, SIDE, 3).permute(2, 0, 1))
    columns = len(cells) // len(PICTURES)
    to_pil(grid(torch.stack(cells), columns, GAP)).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
