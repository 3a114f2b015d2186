"""`genzoo run --shards`: many pictures, alone or as one rank of several."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genzoo.cli.making import tell_hooks
from genzoo.cli.options import request_from
from genzoo.cli.progress import progress
from genzoo.files.libraries import need_pyarrow
from genzoo.plugins.guard import stdout_to_stderr
from genzoo.run.bulk.layout import Form, lay_out_shards
from genzoo.run.outputs.destination import STDOUT
from genzoo.run.request import check_seed
from genzoo.text import shown_path
from genzoo_core.errors import UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.request import BATCH

if TYPE_CHECKING:
    from genzoo.run.bulk.job import Job
    from genzoo.run.bulk.manifest import Manifest, PromptSource
    from genzoo.run.prompts import PromptFile
    from genzoo.zoo import Zoo


@dataclass(frozen=True)
class Shards:
    """What is wanted: the form and the pictures of a shard, None for the default, and the folder,
    "" where none was named."""

    form: Form
    size: int | None
    output: str


def run_shards(
    zoo: Zoo,
    model: str,
    options: dict[str, str],
    fields: Mapping[str, Any],
    shards: Shards,
    file: PromptFile | None,
    *,
    as_json: bool,
    begin: float,
) -> None:
    """Make a request's pictures in shards, and say where they are; `fields` are the request's.

    `file` has its prompts, or None; `begin` is when the work began. Under torchrun the ranks
    share the shards, and the first one speaks.
    """
    rank, ranks = rank_of(os.environ)
    _check(shards, fields, file, ranks)
    from genzoo.run.bulk.make import make_shards
    from genzoo.run.bulk.manifest import ShardFolder

    _choose_gpu(fields["device"])
    job, source = plan_job(zoo, model, options, fields, shards, file)
    folder = ShardFolder(Path(shards.output))
    manifest = job.manifest(fields["prompts"], source)
    manifest = folder.begin(manifest, seeded=fields["seed"] is not None)
    if rank == 0:
        _announce(job, manifest)
    title = job.plan.opened.name + (f", rank 0 of {ranks}" if ranks > 1 else "")
    written: list[Path] = []
    try:
        with progress(title, silent=rank > 0) as update, stdout_to_stderr():
            there = make_shards(
                *(job, folder, manifest, zoo),
                rank=rank,
                ranks=ranks,
                on_progress=update,
                on_written=written.append,
            )
    except KeyboardInterrupt as interrupt:
        interrupt.add_note("the same command goes on after the shards that are there")
        raise
    seconds = round(time.monotonic() - begin, 3)
    tell_hooks(zoo, manifest.record, written, seconds)
    if rank == 0:
        if not there:
            to_stderr(f"{folder.path}: other ranks are still at work, or were lost")
        if as_json:
            figures = {"pictures": job.layout.pictures, "shards": job.layout.count}
            click.echo(json.dumps({"path": shown_path(folder.path), **figures, "seconds": seconds}))
        else:
            click.echo(os.fsencode(folder.path))


def rank_of(environment: Mapping[str, str]) -> tuple[int, int]:
    """Which of how many processes this is: RANK and WORLD_SIZE, as torchrun sets them."""
    texts = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
    try:
        rank, ranks = map(int, texts)
    except ValueError:
        rank, ranks = 0, 0
    if not 0 <= rank < ranks:
        raise UsageError(f"RANK is {texts[0]!r} and WORLD_SIZE {texts[1]!r}: no rank of so many")
    return rank, ranks


def _check(shards: Shards, fields: Mapping[str, Any], file: PromptFile | None, ranks: int) -> None:
    """Check what needs no model."""
    if not shards.output:
        raise UsageError("shards are written into a folder", "name one: -o out/")
    if shards.output == STDOUT:
        raise UsageError("shards are written into a folder, not to stdout", "name one: -o out/")
    path = Path(shards.output)  # what is a folder for other runs is one here
    if path.suffix and not (shards.output.endswith(("/", os.sep)) or path.is_dir()):
        hint = f"name one: -o {shown_path(path.with_suffix(''))}/"
        raise UsageError(f"shards are written into a folder, not {shown_path(path)}", hint)
    if any(fields[name] for name in ("inputs", "mask", "interpolate")):
        raise UsageError("--shards are of pictures from noise", "leave out inputs, masks and walks")
    if file is not None and file.name == "stdin" and ranks > 1:
        raise UsageError("ranks cannot share what comes on stdin", "give a file: --prompts FILE")
    if shards.form == "parquet":
        need_pyarrow("writing parquet", "give --shards webdataset, or arrays")


def plan_job(
    zoo: Zoo,
    model: str,
    options: dict[str, str],
    fields: Mapping[str, Any],
    shards: Shards,
    file: PromptFile | None,
) -> tuple[Job, PromptSource | None]:
    """A run in shards, of which every row fits the model, and the file of its prompts."""
    from genzoo.run.bulk.job import Job, Rows

    prompts, seed = fields["prompts"], fields["seed"]
    n = 1 if fields["n"] is None else fields["n"]
    # The number of rows in a file is not known before they were read for the model.
    layout = lay_out_shards(n * max(1, len(prompts)), shards.size, shards.form)
    rows = Rows(prompts if file is None else file)
    first = rows.first
    one = {
        "prompts": () if first.prompt is None else (first.prompt,),
        "conditions": first.conditions,
        "seeds": () if first.seed is None else (first.seed,),
        "n": 1,
    }
    plan = zoo.plan(request_from(model, options, **{**fields, **one}))
    count, source = rows.check(plan.opened, n)
    if file is not None:
        layout = lay_out_shards(n * count, shards.size, shards.form)
    if seed is not None:
        check_seed(seed, layout.pictures)
    batch = BATCH if fields["batch"] is None else fields["batch"]
    return Job(plan, layout, rows, n, batch), source


def _choose_gpu(device: str | None) -> None:
    """Let each rank of a machine compute on a GPU of its own, which is then its "cuda"."""
    local = os.environ.get("LOCAL_RANK", "")
    if device in ("cuda", "auto") and local.isdigit():
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_device(int(local) % torch.cuda.device_count())


def _announce(job: Job, manifest: Manifest) -> None:
    for note in job.plan.notes:
        to_stderr(note)
    own = job.rows.first.seed is not None
    seeds = "seeds of their own" if own else f"seeds from {manifest.record.seed}"
    counts = f"{job.layout.pictures:,} pictures in {job.layout.count:,} shards"
    to_stderr(f"{job.plan.opened.name}: {counts}, {seeds}")
