"""Somebody's own pictures."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw


def pictures(folder: Path, count: int = 40, classes: str = "ab") -> Path:
    """Discs of 16×16 pixels in folders by class, each with its caption beside it."""
    chance = random.Random(0)
    for number in range(count):
        image = Image.new("RGB", (16, 16), tuple(chance.randrange(256) for _ in range(3)))
        spot = (chance.randrange(8), chance.randrange(8))
        ImageDraw.Draw(image).ellipse((*spot, spot[0] + 7, spot[1] + 7), fill="white")
        file = folder / classes[number % len(classes)] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
    return folder
