"""The small dataset that the recipes of `genzoo new` train on.

Images in folders, whose names are the labels: data/shapes/train/LABEL/NUMBER.png.
"""

from __future__ import annotations

import random
from pathlib import Path

import click
from PIL import Image, ImageDraw

from genzoo_core.atomic import becoming

LABELS = ("circle", "cross", "square", "triangle")
SIDE, FINE = 16, 8  # pixels of a picture, and how many times finer it is drawn


def draw(label: str, chance: random.Random) -> Image.Image:
    """A white shape of some size, somewhere on black."""
    picture = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(picture)
    r = chance.uniform(4, 6) * FINE
    x, y = (chance.uniform(6.5, 9.5) * FINE for _ in range(2))
    if label == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    elif label == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=255)
    elif label == "triangle":
        pen.polygon([(x - r, y + r), (x + r, y + r), (x, y - r)], fill=255)
    else:
        width = round(r / 2)
        pen.line((x - r, y - r, x + r, y + r), fill=255, width=width)
        pen.line((x - r, y + r, x + r, y - r), fill=255, width=width)
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--count", default=400, show_default=True, help="Pictures of each shape.")
def main(data: Path, count: int) -> None:
    """Draw circles, crosses, squares and triangles into the folder DATA; always the same ones."""
    chance = random.Random(0)
    for label in LABELS:
        folder = data / "shapes" / "train" / label
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            with becoming(folder / f"{number:03}.png") as temporary:
                draw(label, chance).save(temporary)
    click.echo(f"wrote {len(LABELS) * count} pictures into {data / 'shapes'}", err=True)


if __name__ == "__main__":
    main()
