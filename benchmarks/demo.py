"""Pictures from each family of the zoo on one sheet: a row for each model that can generate.

python benchmarks/demo.py demo.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import genzoo
from genzoo_core import NotFittedError
from genzoo_core.images import grid, to_pil, to_uint8

COLUMNS = 12


def main(path: Path) -> None:
    rows, names = [], []
    for name in genzoo.list_models(kind="model"):
        try:
            rows.append(to_uint8(genzoo.generate(name, n=COLUMNS, seed=0).images))
        except NotFittedError:
            continue  # a plain autoencoder has nothing to sample from
        names.append(name)
    to_pil(grid(torch.cat(rows), columns=COLUMNS)).resize(
        (COLUMNS * 60, len(rows) * 60), resample=0
    ).save(path)
    print(f"{path}: from top to bottom {', '.join(names)}, seeds 0 to {COLUMNS - 1}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
