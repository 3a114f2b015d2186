"""Weights & Biases: what a training logs, where WANDB_PROJECT or WANDB_MODE is set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo_core import Recipe, hookimpl

if TYPE_CHECKING:
    import wandb

RUN = ".wandb-run"
"""File with the id of the run, in the training's folder: a resumed training goes on in it."""

PATIENCE = 60
"""Seconds that its server is waited for, at the end and where it asks who logs in."""

_runs: dict[Path, wandb.Run] = {}
"""Those of the trainings that run, by their folders."""


@hookimpl
def genzoo_before_training(recipe: Recipe, folder: Path) -> None:
    """Begin a run with the recipe as its config, or go on with the one that was begun.

    Being logged in is not enough: pictures may be private, and leave this machine only where a
    project or a mode was chosen.
    """
    mode = os.environ.get("WANDB_MODE")
    if not (mode or os.environ.get("WANDB_PROJECT")) or mode == "disabled":
        return
    if find_spec("wandb") is None:
        return
    import msgspec
    import wandb

    file = folder / RUN
    begun = file.read_text(encoding="utf-8") if file.exists() else None
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", "genzoo"),
        name=os.environ.get("WANDB_NAME", recipe.name),
        id=begun,
        resume="allow" if begun else None,
        dir=folder,
        config=msgspec.to_builtins(recipe),
        reinit="create_new",  # whoever trains from Python may have a run of his own
        settings=wandb.Settings(
            console="off",  # the bar is drawn there
            quiet=True,
            login_timeout=PATIENCE,
            finish_timeout=PATIENCE,
        ),
    )
    file.write_text(run.id, encoding="utf-8")
    _runs[folder] = run


@hookimpl
def genzoo_log_training(
    step: int,
    values: Mapping[str, float],
    folder: Path,
    pictures: Path | None,
    warnings: Sequence[str],
) -> None:
    """Log them; steps that a resumed training does again are left out."""
    if (run := _runs.get(folder)) is None:
        return
    import wandb

    samples = {} if pictures is None else {"samples": wandb.Image(str(pictures))}
    run.log({**values, **samples}, step=step)
    for warning in warnings:
        run.alert(title=f"{run.name}, step {step}", text=warning)


@hookimpl
def genzoo_end_training(folder: Path, outcome: str) -> None:
    """Send what is left, and say whether it ended well."""
    if run := _runs.pop(folder, None):
        run.finish(exit_code=0 if outcome == "finished" else 1)
