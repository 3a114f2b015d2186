"""Training on more pictures than fit into memory: how much of it they take, and at what speed.

    python benchmarks/large_data.py -o DIR [--pictures 1000000]

Makes parquet files of synthetic pictures, 3×64×64, and decodes them once into the cache, both in
DIR, which takes about 20 GB for a million. Then `genzoo train` runs on them, and its anonymous
memory (RssAnon), which the system cannot drop as it can a mapped file, is looked at. The speed
is that of the same steps on these pictures and on a part of them that lies in memory, in turns.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from pyarrow import parquet

import genzoo
from genzoo_core import Dataset, Recipe
from genzoo_train.api import StageLoop, stage_loop
from genzoo_train.building import model_spec

SHARD = 20_000
IN_MEMORY = 50_000
STEPS, ROUNDS = 50, 7
RECIPE = """
name = "large"

[card]
family = "diffusion"
summary = "A benchmark."

[data]
name = "large"
shape = [3, 64, 64]

[model]
component = "genzoo/diffusion"

[model.config]
shape = [3, 64, 64]
noiser = { component = "genzoo/rectified-flow" }
network = { type = "unet", width = 16, multipliers = [1, 2], blocks = 1, patch = 4 }

[[stages]]
name = "denoising"
steps = 1000
batch_size = 64
"""


def make_pictures(folder: Path, count: int, *, split: str = "train", side: int = 64) -> None:
    """Write `count` pictures in shards: colours that change smoothly, with a square on them."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = -(-count // SHARD)
    ramp = np.linspace(0, 1, side, dtype=np.float32)
    mark = side // 4
    for shard in range(shards):
        file = folder / f"{split}-{shard:05}-of-{shards:05}.parquet"
        if file.exists():
            continue
        rows = []
        for number in range(shard * SHARD, min((shard + 1) * SHARD, count)):
            chance = np.random.default_rng([number, split == "test"])
            left, right, colour = chance.integers(0, 256, (3, 3)).astype(np.float32)
            pixels = np.broadcast_to(
                left + ramp[None, :, None] * (right - left), (side, side, 3)
            ).copy()
            x, y = chance.integers(0, side - mark, 2)
            pixels[y : y + mark, x : x + mark] = colour
            content = BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(content, "PNG", compress_level=1)
            rows.append({"image": {"bytes": content.getvalue(), "path": None}})
        parquet.write_table(pa.Table.from_pylist(rows), file)
        print(f"{file}: {len(rows):,} pictures", file=sys.stderr, flush=True)


def anonymous(pid: int | str) -> int:
    """Bytes of anonymous memory that a process has; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def peak(*words: str | Path) -> int:
    """The most anonymous memory that a command of genzoo has, from its start to its end."""
    process = subprocess.Popen([sys.executable, "-m", "genzoo", *map(str, words)])
    most = 0
    while process.poll() is None:
        most = max(most, anonymous(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(process.returncode)
    return most


def seconds(loop: StageLoop) -> float:
    """How long some steps take."""
    start = time.perf_counter()
    for _ in range(STEPS):
        loop.advance()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    asked = parser.parse_args()
    out = asked.out.resolve()
    os.environ["GENZOO_CACHE"] = str(out / "cache")
    make_pictures(out / "data" / "large", asked.pictures)
    file = out / "large.toml"
    file.write_text(RECIPE, encoding="utf-8")
    run = out / f"run-{time.time():.0f}"
    for what, folder in (("first time", run), ("decoded before", out / f"{run.name}-again")):
        words = ("train", file, "--data", out / "data", "--out", folder, "--max-steps", "300")
        print(f"anonymous memory, {what}: {peak(*words) / 1e9:.2f} GB", flush=True)

    recipe = msgspec.toml.decode(RECIPE, type=Recipe)
    zoo = genzoo.open_zoo()
    mapped = zoo.dataset(recipe.data, out / "data")
    memory = Dataset(mapped.images[:IN_MEMORY].clone())
    torch.set_num_threads(1)
    loops = [
        stage_loop(zoo.build(model_spec(recipe, d), training=True), recipe, d)
        for d in (mapped, memory)
    ]
    for loop in loops:
        seconds(loop)
    ratios = []
    for _ in range(ROUNDS):
        slow, fast = map(seconds, loops)
        ratios.append(fast / slow)
    print(f"speed beside pictures in memory: {statistics.median(ratios):.2f} (wanted 0.9)")


if __name__ == "__main__":
    main()
