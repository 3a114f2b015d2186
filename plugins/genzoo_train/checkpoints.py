"""Checkpoints: one safetensors file with all that a training needs to go on exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import TrainingError
from genzoo_core.recipe import Recipe

FORMAT = "genzoo-checkpoint"
VERSION = "1"

# Fields of a recipe that the weights do not depend on: they may change between two sittings.
FREE = ("card", "report", "tried", "weights_dtype")


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        stage: Index of the stage.
        step: Steps of that stage that are done.
        data: Fingerprint of the training set.
        threads: CPU threads it was trained on; sums depend on them in the last bits.
        tensors: Weights, their averages and the optimisers' state, by name.
    """

    stage: int
    step: int
    data: str
    threads: int
    tensors: Mapping[str, Tensor]


def write_checkpoint(path: Path, recipe: Recipe, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays until the new one is whole on the disk.

    Raises:
        TrainingError: It cannot be written (the disk is full).
    """
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "stage": str(checkpoint.stage),
        "step": str(checkpoint.step),
        "data": checkpoint.data,
        "threads": str(checkpoint.threads),
        "recipe": msgspec.json.encode(recipe).decode(),
    }
    # A copy each: tied weights share storage, which the format cannot say.
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in checkpoint.tensors.items()
    }
    try:
        write_atomically(path, save(tensors, metadata))
    except OSError as error:
        raise TrainingError(
            f"cannot write {path}: {error.strerror}", "the checkpoint before it is whole"
        ) from error


def read_checkpoint(path: Path, recipe: Recipe) -> Checkpoint:
    """Read a checkpoint of this very recipe.

    Raises:
        TrainingError: It cannot be read, or belongs to another recipe; names the fields.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
                raise TrainingError(f"{path} is not a checkpoint of this version of genzoo")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path} cannot be read: {error}", "train in another --out") from error
    changed = _differences(_as_today(metadata["recipe"]), msgspec.to_builtins(recipe))
    if changed:
        raise TrainingError(
            f"{path.parent} was trained with another recipe: {'; '.join(changed[:5])}",
            "change it back, or choose another --out",
        )
    stage, step, threads = (int(metadata.get(name, 0)) for name in ("stage", "step", "threads"))
    return Checkpoint(stage, step, metadata["data"], threads, tensors)


def _as_today(stored: str) -> object:
    """A stored recipe; what recipes have gained since is at its default, as it was in effect."""
    try:
        return msgspec.to_builtins(msgspec.json.decode(stored, type=Recipe))
    except msgspec.ValidationError:  # of a version that knows more
        return json.loads(stored)


def _differences(old: object, new: object, place: str = "") -> list[str]:
    """What changed between two recipes, as "stages.0.epochs was 2, is 3"."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if place or key not in FREE]
        pairs = [(f"{key}", old.get(key), new.get(key)) for key in keys]
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        pairs = [(str(index), *values) for index, values in enumerate(zip(old, new, strict=True))]
    else:
        return [] if old == new else [f"{place} was {json.dumps(old)}, is {json.dumps(new)}"]
    return [
        difference
        for key, before, after in pairs
        for difference in _differences(before, after, f"{place}.{key}" if place else key)
    ]
