"""Making a run's shards, one by one, each put in place once it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.bulk.cells import Made, columns_of
from genzoo.run.bulk.job import Job
from genzoo.run.bulk.manifest import Manifest, Shard, ShardFolder
from genzoo.run.bulk.writers import WRITERS
from genzoo.run.make import make_batches
from genzoo.run.outputs.destination import writing
from genzoo_core.atomic import becoming
from genzoo_core.errors import GenzooError

if TYPE_CHECKING:
    from genzoo.run.tasks.task import Plan
    from genzoo.zoo import Zoo

OnShards = Callable[[float, int, int], None]
"""Called as `on_shards(made, there, total)` in pictures: those that were made now, those that were
there already, and all that a rank has. One under way counts in part."""


def make_shards(
    job: Job,
    folder: ShardFolder,
    manifest: Manifest,
    zoo: Zoo,
    *,
    rank: int = 0,
    ranks: int = 1,
    on_shards: OnShards = lambda *_: None,
) -> bool:
    """Make the shards of a rank that are not there, or not whole; whether all shards are there.

    A shard's bytes do not depend on the ranks, nor on what was there.

    Raises:
        GenzooError: The model fails, memory runs out, or a shard cannot be written.
    """
    layout, columns = job.layout, columns_of(job.plan)
    own = layout.of_rank(rank, ranks)
    total = sum(stop - start for start, stop in map(layout.span, own))
    made = there = 0
    for index in own:
        first, last = layout.span(index)
        if folder.is_whole(layout.name(index)):
            there += last - first
            on_shards(made, there, total)
            continue
        plan = job.shard(index, manifest.record.seed)
        path = folder.path / layout.name(index)

        def on_progress(done: float, _: int, before: int = made, beside: int = there) -> None:
            on_shards(before + done, beside, total)

        with writing(path), becoming(path) as temporary:
            with WRITERS[layout.form](temporary, columns) as writer:
                for pictures in make_batches(plan, zoo, on_progress=on_progress):
                    _check_batch(plan, pictures.record.batch)
                    writer.add(Made.of(plan, pictures, first, columns))
            shard = _described(temporary, path.name, last - first)
        folder.note(shard, f"{rank}-of-{ranks}")
        made += last - first
    return folder.finish(manifest, layout)


def _check_batch(plan: Plan, batch: int) -> None:
    """Refuse smaller batches than were planned: they round in another way, on one rank alone."""
    if batch != plan.record.batch:
        raise GenzooError(
            f"out of memory with {plan.record.batch} pictures at a time",
            f"begin anew, in another folder, with --batch {batch}",
        )


def _described(file: Path, name: str, pictures: int) -> Shard:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Shard(name, pictures, file.stat().st_size, digest)
