"""A training, whole: from a recipe and a dataset to a weights file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from genzoo_core.dataset import Dataset, Stream
from genzoo_core.devices import has_half
from genzoo_core.errors import UsageError
from genzoo_core.recipe import Recipe
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import make_batches
from genzoo_train.building import train_mode
from genzoo_train.failures import memory_advice
from genzoo_train.folder import RunFolder
from genzoo_train.launching import launch, make_fabric
from genzoo_train.loop import StageLoop
from genzoo_train.ranks import Ranks
from genzoo_train.ready import make_ready
from genzoo_train.reporting import Reporter
from genzoo_train.session import Session
from genzoo_train.stages import plan_stages
from genzoo_train.threads import MOST_THREADS

ROOM = "use fewer or smaller images, a smaller model, or a machine with more memory"
"""What to do about memory where no batch is to blame."""


def train(
    zoo: Zoo,
    recipe: Recipe,
    dataset: Dataset | Stream,
    out: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    devices: int | None = None,
    nodes: int | None = None,
    threads: int | Literal["fastest"] | None = None,
    max_steps: int | None = None,
    reporter: Reporter | None = None,
    aside: Dataset | None = None,
) -> Path:
    """Train a model and write its weights.

    Beside the weights, `out` gets `checkpoint.safetensors`, `log.jsonl`, `card.toml` and
    `samples/`. On the CPU, and on as many threads, a training that was interrupted and resumed
    gives the very weights of one that was not.

    Args:
        out: Folder of the run: new or empty, unless `resume`.
        resume: Go on from the checkpoint in `out`; begin where there is none.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the first that is here.
        devices: Processes on this machine, each with a device; None for as many as torchrun or
            SLURM started, or one. Where nobody started them, the running script is started again
            for each of the others.
        nodes: Machines, likewise. With 1 of both this process trains alone, whoever started it.
        threads: CPU threads; "fastest" tries which number is, and takes the checkpoint's when it
            goes on; of several processes on a machine each gets an equal share of its cores. None
            leaves torch's setting.
        max_steps: Stop after that many steps over all stages, and export what there is.
        reporter: What its progress is reported to; None for silence.
        aside: Pictures that it does not learn from, which say which weights are best: needed where
            the recipe has `validation.looks`.

    Returns:
        Path of the weights file, which the first process wrote.

    Raises:
        EndedError: Another process of the training ended.
        TrainingError: It cannot start, go on or finish; `StoppedError` where a signal stopped
            it, a checkpoint being saved.
        ConfigError: The recipe does not fit the model.
        DataError: The dataset does not fit the recipe.
        UsageError: No such device, or too many threads.
    """
    if isinstance(threads, int) and threads > MOST_THREADS:
        raise UsageError(f"a training takes at most {MOST_THREADS} CPU threads")
    fabric = launch(device, recipe, devices, nodes)
    ranks = Ranks(fabric.global_rank, fabric.world_size)
    reporter = (ranks.first and reporter) or Reporter()
    folder = ranks.alone(lambda: RunFolder(out, resume=resume))
    folder = folder or RunFolder(out, resume=resume, hold=False)
    if resume and not folder.checkpoint.exists():
        reporter.note(f"nothing to go on with in {out}: beginning")
    if recipe.precision == "bf16" and not has_half(fabric.device.type, "bf16"):
        reporter.note(f"this {fabric.device.type} has no instructions for bf16: float32 is faster")
    before = torch.get_num_threads()
    cuda = [fabric.device] if fabric.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(cuda), memory_advice("out of memory", ROOM):
            ready = make_ready(
                zoo,
                recipe,
                dataset,
                aside=aside,
                folder=folder,
                fabric=fabric,
                ranks=ranks,
                reporter=reporter,
            )
            run = Session(ready, zoo, folder, fabric, reporter)
            run.resume()
            run.set_threads(threads)
            with run.announced():
                run.run(max_steps)
                return run.finish()
    finally:
        torch.set_num_threads(before)
        folder.close()


def stage_loop(built: Opened, recipe: Recipe, dataset: Dataset) -> StageLoop:
    """The first stage of a training on the CPU, to be advanced step by step.

    The model, built for training, is changed in place. Nothing is checked beforehand or written.

    Raises:
        ConfigError: The recipe does not fit the model.
        DataError: The dataset does not fit the recipe.
        TrainingError: The model cannot be trained.
    """
    fabric = make_fabric("cpu", recipe)
    train_mode(built)
    plan = plan_stages(built, recipe, len(dataset.images))[0]
    batches = make_batches(dataset, recipe, built.module, fabric.device)
    return StageLoop(plan, built, batches, recipe, fabric)
