"""Making a run's shards, one by one, each put in place once it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.bulk.cells import Made, columns_of
from genzoo.run.bulk.job import Job
from genzoo.run.bulk.manifest import Manifest, Shard, ShardFolder
from genzoo.run.bulk.writers import WRITERS, ShardWriter
from genzoo.run.make import make_batches
from genzoo.run.outputs.destination import writing
from genzoo_core.atomic import becoming
from genzoo_core.errors import GenzooError

if TYPE_CHECKING:
    from genzoo.zoo import Zoo

OnShards = Callable[[float, int, float], None]
"""Called as `on_progress(done, total, before)` in pictures of this rank: `before` of those that are
done were there already. One under way counts in part."""


def make_shards(
    job: Job,
    folder: ShardFolder,
    manifest: Manifest,
    zoo: Zoo,
    *,
    rank: int = 0,
    ranks: int = 1,
    on_progress: OnShards = lambda *_: None,
    on_written: Callable[[Path], object] = lambda _: None,
) -> bool:
    """Make the shards of a rank that are not there, or not whole; whether all shards are there.

    A shard's bytes do not depend on the ranks, nor on what was there. `on_written` is called with
    each that was made.

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
            on_progress(made + there, total, there)
            continue

        def on_batch(done: float, _: int, made: int = made, there: int = there) -> None:
            on_progress(made + there + done, total, there)

        path, plan = folder.path / layout.name(index), job.shard(index, manifest.record.seed)
        with writing(path), becoming(path) as temporary:
            with WRITERS[layout.form](temporary, columns) as writer:
                batches = make_batches(plan, zoo, on_progress=on_batch)
                _write(writer, (Made.of(plan, each, first, columns) for each in batches))
            shard = _described(temporary, path.name, last - first)
        folder.note(shard, f"{rank}-of-{ranks}")
        on_written(path)
        made += last - first
    return folder.finish(manifest, layout)


def _write(writer: ShardWriter, batches: Iterable[Made]) -> None:
    """Write batches as they come: each is encoded by a thread while the next one is made."""
    before: Future[None] | None = None
    with ThreadPoolExecutor(1) as beside:
        for made in batches:
            _check_batch(made)
            if before is not None:
                before.result()
            before = beside.submit(writer.add, made)
    if before is not None:
        before.result()


def _check_batch(made: Made) -> None:
    """Refuse smaller batches than were planned: they round in another way, on one rank alone."""
    planned = made.plan.record.batch
    if made.record.batch != planned:
        raise GenzooError(
            f"out of memory with {planned} pictures at a time",
            f"begin anew, in another folder, with --batch {made.record.batch}",
        )


def _described(file: Path, name: str, pictures: int) -> Shard:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Shard(name, pictures, file.stat().st_size, digest)
