"""Pictures from each family of the zoo on one sheet.

    python benchmarks/demo.py demo.png

Above a row for each model that can generate, asked for nothing; below a row for each that heeds a
prompt, asked for class 0 to class 9, or for ten things in words.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import genzoo
from genzoo_core import NotFittedError, PluginError
from genzoo_core.images import grid, to_pil, to_uint8

COLUMNS = 10
SIDE = 32
SCALE = 2

LABELS = tuple(map(str, range(COLUMNS)))
WORDS = (
    *("red heart", "cat face", "grinning face", "woman firefighter", "automobile"),
    *("evergreen tree", "thumbs up", "dog face", "pizza", "soccer ball"),
)


def row(name: str, prompts: Sequence[str] = ()) -> Tensor:
    """Ten pictures, uint8 `[10, 3, 32, 32]`; smaller ones have an edge of their corner's colour."""
    n = 1 if prompts else COLUMNS
    made = to_uint8(genzoo.generate(name, prompts, n=n, seed=0).images)
    edge = (SIDE - made.shape[-1]) // 2
    wide = F.pad(made.float(), [edge] * 4, mode="replicate").to(torch.uint8)
    return wide.expand(-1, 3, -1, -1)


def main(path: Path) -> None:
    above, below = {}, {}
    for name in genzoo.list_models("genzoo/*", kind="model"):  # others may know other words
        try:
            above[name] = row(name)
        except NotFittedError:
            continue  # a plain autoencoder has nothing to sample from
        except PluginError as error:  # it needs an extra
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        conditioners = genzoo.card(name).conditioners
        if conditioners:
            below[name] = row(name, WORDS if conditioners[0] == "text" else LABELS)
    sheet = to_pil(grid(torch.cat([*above.values(), *below.values()]), columns=COLUMNS))
    sheet.resize((sheet.width * SCALE, sheet.height * SCALE), resample=0).save(path)
    print(f"{path}, from top to bottom:")
    for number, name in enumerate(above, 1):
        print(f"  {number:2} {name}")
    for number, name in enumerate(below, len(above) + 1):
        print(f"  {number:2} {name}, asked")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
