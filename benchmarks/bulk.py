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

    _between(barrier, draw, pictures)


def rank(barrier: Barrier, name: str, pictures: int, rank: int, ranks: int) -> None:
    """One of so many ranks."""
    torch.set_num_threads(1)
    zoo = genzoo.open_zoo()

    def draw(count: int, folder: Path) -> None:
        fields: dict[str, Any] = {"prompts": (), "n": count, "seed": 0, "batch": None, "threads": 1}
        job, _ = plan_job(zoo, name, {}, fields, Shards("parquet", SIZE, str(folder)), None)
        shards = ShardFolder(folder)
        manifest = shards.begin(job.manifest((), None), seeded=True)
        make_shards(job, shards, manifest, zoo, rank=rank, ranks=ranks)

    with tempfile.TemporaryDirectory() as own:
        place = Path(own, "out")
        _between(barrier, lambda count: draw(count, place / str(count)), pictures, place.mkdir)


def _between(
    barrier: Barrier,
    draw: Callable[[int], None],
    pictures: int,
    prepare: Callable[[], object] = lambda: None,
) -> None:
    """Draw between two meetings of all processes, after a few to warm up."""
    prepare()
    draw(BATCH)
    barrier.wait()
    draw(pictures)
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
        one = seconds(rank, (*what, 0, 1))
        two = seconds(rank, (*what, 0, 2), (*what, 1, 2))
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
