"""What shards cost: `genzoo run --shards` beside its bare network, and two ranks beside one.

    python benchmarks/bulk.py [MODEL] [--pictures 1024] [--rounds 3]

Each way runs in processes of its own, on one thread each, once they have the model open: the
network alone, which draws the same noise in the same batches and writes nothing; one rank; two
ranks. The ways take turns, so that whatever else the machine does falls on all alike. Exits with 1
where a bar is missed; the second needs two idle cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch

import genzoo
from genzoo.cli.bulk import Shards, plan_job
from genzoo.run.bulk.make import make_shards
from genzoo.run.bulk.manifest import ShardFolder
from genzoo_core.request import BATCH
from genzoo_core.rng import SampleRng

BARS = {"one rank ÷ network": 0.95, "two ranks ÷ one": 1.85}
SIZE = 128
"""Pictures in a shard, so that few of them are as many for each rank."""


def network(barrier: Barrier, name: str, pictures: int) -> None:
    """The network alone."""
    torch.set_num_threads(1)
    model = genzoo.load(name)
    options = model.Options()

    def draw(count: int) -> None:
        with torch.inference_mode():
            for start in range(0, count, BATCH):
                model.sample(SampleRng(range(start, min(start + BATCH, count))), {}, options)

    draw(BATCH)
    between(barrier, lambda: draw(pictures))


def rank(barrier: Barrier, name: str, pictures: int, folder: str, rank: int, ranks: int) -> None:
    """One of so many ranks, which share a folder."""
    torch.set_num_threads(1)
    zoo = genzoo.open_zoo()

    def ready(count: int, place: Path, rank: int, ranks: int) -> Callable[[], object]:
        fields: dict[str, Any] = {"prompts": (), "n": count, "seed": 0, "batch": None, "threads": 1}
        job, _ = plan_job(zoo, name, {}, fields, Shards("parquet", SIZE, str(place)), None)
        shards = ShardFolder(place)
        manifest = shards.begin(job.manifest((), None), seeded=True)
        return partial(make_shards, job, shards, manifest, zoo, rank=rank, ranks=ranks)

    with tempfile.TemporaryDirectory() as own:
        ready(BATCH, Path(own, "warm"), 0, 1)()
    between(barrier, ready(pictures, Path(folder), rank, ranks))


def between(barrier: Barrier, draw: Callable[[], object]) -> None:
    """Draw between two meetings of all processes."""
    barrier.wait()
    draw()
    barrier.wait()


def seconds(target: Callable[..., None], *arguments: tuple[Any, ...]) -> float:
    """Seconds that processes take to draw, one for each tuple of arguments."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(arguments) + 1)
    processes = [context.Process(target=target, args=(barrier, *each)) for each in arguments]
    for process in processes:
        process.start()
    barrier.wait(600)
    begin = time.perf_counter()
    barrier.wait(3600)
    taken = time.perf_counter() - begin
    for process in processes:
        process.join()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="flow-mnist")
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    what = (arguments.model, arguments.pictures)
    ratios: dict[str, list[float]] = {name: [] for name in BARS}
    for _ in range(arguments.rounds):
        alone = seconds(network, what)
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            one = seconds(rank, (*what, first, 0, 1))
            two = seconds(rank, *((*what, second, number, 2) for number in range(2)))
        ratios["one rank ÷ network"].append(alone / one)
        ratios["two ranks ÷ one"].append(one / two)
        rates = [arguments.pictures / taken for taken in (alone, one, two)]
        print("{:8,.1f} {:8,.1f} {:8,.1f} pictures a second".format(*rates))
    missed = False
    for name, bar in BARS.items():
        median = statistics.median(ratios[name])
        missed |= median < bar
        print(f"{name:20} {median:.3f}, the bar is {bar}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
