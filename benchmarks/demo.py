"""Pictures from each family of the zoo on one sheet.

    python benchmarks/demo.py demo.png

Above a row for each model that can generate, asked for nothing; below a row for each that takes
class labels, asked for class 0 to class 9.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

import genzoo
from genzoo_core import NotFittedError
from genzoo_core.images import grid, to_pil, to_uint8

COLUMNS = 10
SCALE = 2


def row(name: str, prompts: Sequence[str] = ()) -> Tensor:
    """Ten pictures, uint8."""
    n = 1 if prompts else COLUMNS
    return to_uint8(genzoo.generate(name, prompts, n=n, seed=0).images)


def main(path: Path) -> None:
    above, below = {}, {}
    for name in genzoo.list_models(kind="model"):
        try:
            above[name] = row(name)
        except NotFittedError:
            continue  # a plain autoencoder has nothing to sample from
        if genzoo.card(name).conditioners:
            below[name] = row(name, [str(label) for label in range(COLUMNS)])
    sheet = to_pil(grid(torch.cat([*above.values(), *below.values()]), columns=COLUMNS))
    sheet.resize((sheet.width * SCALE, sheet.height * SCALE), resample=0).save(path)
    print(f"{path}, from top to bottom:")
    for number, name in enumerate(above, 1):
        print(f"  {number:2} {name}")
    for number, name in enumerate(below, len(above) + 1):
        print(f"  {number:2} {name}, asked for 0 to 9")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
