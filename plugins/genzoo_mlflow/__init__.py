"""MLflow: what a training logs, where MLFLOW_TRACKING_URI says and `mlflow` is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genzoo_core import Recipe, hookimpl

RUN = ".mlflow-run"
"""File with the id of MLflow's run, in the training's folder: a resumed training goes on in it."""

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

LONGEST = 500
"""Characters of a parameter that every version of MLflow takes."""

ENDS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}

_runs: dict[Path, str] = {}
"""MLflow's ids of the trainings that run, by their folders."""


@hookimpl
def genzoo_before_training(recipe: Recipe, folder: Path) -> None:
    """Begin a run with the recipe as its parameters, or go on with the one that was begun."""
    if not os.environ.get("MLFLOW_TRACKING_URI") or find_spec("mlflow") is None:
        return
    os.environ.setdefault(RETRIES, "2")  # by default a server that is away holds it for minutes
    import mlflow
    import msgspec

    file = folder / RUN
    if file.exists():
        run_id = file.read_text(encoding="utf-8")
        mlflow.MlflowClient().set_terminated(run_id, "RUNNING")
    else:
        run_id = _create(recipe.name)
        file.write_text(run_id, encoding="utf-8")
        fields = dict(_flat(msgspec.to_builtins(recipe)))
        mlflow.log_params(fields, run_id=run_id, synchronous=True)
    _runs[folder] = run_id


@hookimpl
def genzoo_log_training(
    step: int,
    values: Mapping[str, float],
    folder: Path,
    pictures: Path | None,
    warnings: Sequence[str],
) -> None:
    """Log them. After a failure nothing more is: a server that is away would hold each step."""
    if (run_id := _runs.pop(folder, None)) is None:
        return
    import mlflow

    # A folder of figures on a disk cannot have "loss" beside "loss/generator".
    figures = {_name(name): value for name, value in values.items()}
    mlflow.log_metrics(figures, step=step, run_id=run_id, synchronous=True)
    if pictures is not None:
        mlflow.log_artifact(str(pictures), "samples", run_id=run_id)
    for warning in warnings:
        mlflow.MlflowClient().set_tag(run_id, f"warning.{step}", warning)
    _runs[folder] = run_id


@hookimpl
def genzoo_end_training(folder: Path, outcome: str) -> None:
    """Say how it ended."""
    if run_id := _runs.pop(folder, None):
        import mlflow

        mlflow.MlflowClient().set_terminated(run_id, ENDS[outcome])


def _create(name: str) -> str:
    """A new run in the experiment that MLflow's own variables name, or in "genzoo"."""
    import mlflow

    client = mlflow.MlflowClient()
    experiment = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if experiment is None:
        named = os.environ.get("MLFLOW_EXPERIMENT_NAME", "genzoo")
        there = client.get_experiment_by_name(named)
        experiment = there.experiment_id if there else client.create_experiment(named)
    run_id: str = client.create_run(experiment, run_name=name).info.run_id
    return run_id


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a recipe by their places, as `genzoo train --set` names them."""
    if value and isinstance(value, dict | list | tuple):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from _flat(inner, f"{place}.{key}" if place else str(key))
    elif value not in (None, "", {}, [], ()):
        yield _name(place)[:LONGEST], str(value)[:LONGEST]


def _name(name: str) -> str:
    """A name with the characters that MLflow takes: "D(real)" is "D.real"."""
    return re.sub(r"[^\w\- :]+", ".", name, flags=re.ASCII).strip(".")
