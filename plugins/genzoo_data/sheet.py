"""The contact sheet: some pictures of a dataset, side by side."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

from PIL import Image, ImageOps

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import GenzooError
from genzoo_core.picture_files import decode
from genzoo_core.recipe import DataRecipe
from genzoo_core.zoo import Zoo

TILE, GAP, MOST = 96, 4, 64
"""Pixels of a picture's side and between two, and how many pictures are shown."""


def write_sheet(zoo: Zoo, recipe: DataRecipe, folder: Path, count: int, out: Path) -> None:
    """Write pictures from all over the split as a PNG.

    Args:
        zoo: Reads the rows.
        recipe: The dataset and its split.
        folder: Where it lies.
        count: Rows of the split.
        out: The file.

    Raises:
        GenzooError: It cannot be written.
    """
    step = max(1, math.ceil(count / MOST))
    tiles = []
    for row in compress(zoo.rows(recipe, folder), (i % step == 0 for i in range(count))):
        try:
            image = decode(row.read(), row.place)
        except GenzooError:
            continue  # the survey names it
        tiles.append(ImageOps.pad(image.convert("RGBA"), (TILE, TILE), color=(255, 255, 255, 0)))
    content = io.BytesIO()
    _side_by_side(tiles).save(content, "PNG")
    try:
        write_atomically(out, content.getvalue())
    except OSError as error:
        raise GenzooError(f"cannot write {out}: {error.strerror}") from error


def _side_by_side(tiles: Sequence[Image.Image]) -> Image.Image:
    columns = math.ceil(math.sqrt(len(tiles)))
    rows, step = math.ceil(len(tiles) / columns), TILE + GAP
    sheet = Image.new("RGB", (columns * step + GAP, rows * step + GAP), "white")
    for index, tile in enumerate(tiles):
        place = (GAP + index % columns * step, GAP + index // columns * step)
        sheet.paste(tile, place, tile)
    return sheet
