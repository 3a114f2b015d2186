"""Measuring against more pictures than fit into memory: how much of it that takes.

    python benchmarks/large_eval.py -o DIR [--pictures 1000000]

Makes parquet files of synthetic pictures, 3×32×32, so many test images and some to train on, in
DIR. A small model is trained for a few steps, and `genzoo eval` measures it against all of them:
it trains two feature nets, decodes the pictures, and computes their features, all of which lies in
the cache in DIR then, and once more from that. Its anonymous memory (RssAnon), which the system
cannot drop as it can a mapped file, is looked at.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from large_data import RECIPE, make_pictures, peak

TRAINED_ON = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    asked = parser.parse_args()
    out = asked.out.resolve()
    os.environ["GENZOO_CACHE"] = str(out / "cache")
    data = out / "data" / "large"
    make_pictures(data, TRAINED_ON, side=32)
    make_pictures(data, asked.pictures, split="test", side=32)
    file, run = out / "large.toml", out / "run"
    file.write_text(RECIPE.replace("[3, 64, 64]", "[3, 32, 32]"), encoding="utf-8")
    if not run.exists():
        peak("train", file, "--data", out / "data", "--out", run, "--max-steps", "100")
    for what, seed in (("first time", "0"), ("from the cache", "1")):
        start = time.monotonic()
        most = peak(
            *("eval", run / "large.safetensors", "--data", data, "--no-costs"),
            *("-n", "1000", "--seed", seed),
        )
        print(
            f"{what}: {most / 1e9:.2f} GB of anonymous memory, {time.monotonic() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
