"""Pictures in a terminal: two pixels to a character, the upper half block over its background."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

Depth = Literal["truecolor", "256", "none"]
Rgb = list[int]

RESET = "\x1b[0m"
BLOCK = "▀"
SHADES = " .:-=+*#%@"
"""From black to white, for a terminal that may not be sent colours."""


def colour_depth() -> Depth:
    """The colours that the terminal says it can show, by COLORTERM, TERM and NO_COLOR."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return "none"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in os.environ["TERM"] else "none"


def render(image: Tensor, depth: Depth, columns: int, lines: int) -> str:
    """A picture, uint8 `[C, H, W]` with 1 or 3 channels, as text.

    It is shrunk to `columns` and `lines` of characters; the depth "none" gives shades made of them.
    """
    import numpy as np

    from genzoo_core.images import to_pil

    picture = _fit(to_pil(image).convert("RGB"), columns, 2 * lines)
    rows = np.asarray(picture).tolist()
    pairs = [list(zip(*pair, strict=True)) for pair in zip(rows[::2], rows[1::2], strict=True)]
    if depth == "none":
        return "".join(_shades(pair) + "\n" for pair in pairs)
    return "".join(_blocks(pair, depth) + RESET + "\n" for pair in pairs)


def _fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Shrunk to fit, never enlarged, with an even number of rows."""
    from PIL import Image

    scale = min(1.0, width / picture.width, height / picture.height)
    size = (max(1, int(picture.width * scale)), max(2, int(picture.height * scale) // 2 * 2))
    return picture.resize(size, Image.Resampling.BOX) if size != picture.size else picture


def _blocks(pair: list[tuple[Rgb, Rgb]], depth: Depth) -> str:
    cells, before = [], ""
    for upper, lower in pair:
        colours = f"\x1b[{_code(38, upper, depth)};{_code(48, lower, depth)}m"
        cells.append(BLOCK if colours == before else colours + BLOCK)
        before = colours
    return "".join(cells)


def _shades(pair: list[tuple[Rgb, Rgb]]) -> str:
    greys = [sum(upper) + sum(lower) for upper, lower in pair]
    return "".join(SHADES[grey * (len(SHADES) - 1) // (6 * 255)] for grey in greys)


def _code(ground: int, rgb: Rgb, depth: Depth) -> str:
    """The parameters of a select-graphic-rendition sequence for a colour (xterm, ISO 8613-6)."""
    red, green, blue = rgb
    if depth == "truecolor":
        return f"{ground};2;{red};{green};{blue}"
    if red == green == blue:
        # xterm's 24 greys go from 8 to 238 by 10; black and white are in its colour cube.
        grey = round((red - 8) / 10)
        index = 16 if grey < 0 else 231 if grey > 23 else 232 + grey
    else:
        cube = [0 if level < 48 else 1 if level < 115 else (level - 35) // 40 for level in rgb]
        index = 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    return f"{ground};5;{index}"
