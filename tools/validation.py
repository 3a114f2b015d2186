"""Set training images aside to choose by, so that the test images are only reported on.

    python tools/validation.py DATA mnist -o runs/validation
    genzoo eval MODEL --data runs/validation

Writes a folder of datasets whose test split is the last sixth of the training split, and whose
training split is the rest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pyarrow import parquet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that holds the dataset")
    parser.add_argument("dataset")
    parser.add_argument("-o", "--out", type=Path, required=True)
    asked = parser.parse_args()
    (source,) = (asked.data / asked.dataset).glob("train-*.parquet")
    rows = parquet.read_table(source)
    kept = len(rows) * 5 // 6
    folder = asked.out / asked.dataset
    folder.mkdir(parents=True, exist_ok=True)
    for split, part in (("train", rows.slice(0, kept)), ("test", rows.slice(kept))):
        path = folder / f"{split}-00000-of-00001.parquet"
        parquet.write_table(part, path)
        print(f"{path}: {len(part):,} images")


if __name__ == "__main__":
    main()
