"""Checkpoints: one safetensors file with all that a training needs to go on exactly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import TrainingError
from genzoo_core.recipe import Recipe
from genzoo_train.ranks import Ranks

FORMAT = "genzoo-checkpoint"
VERSION = "2"

PLACE = ("stage", "step", "data", "threads")
"""Fields of a checkpoint beside the tensors."""

LONGEST = 80
"""Characters of a field's value that a message repeats."""

# Fields of a recipe that the weights do not depend on: they may change before `--resume`.
FREE = ("card", "report", "tried", "weights_dtype", "modelspec")


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        stage, step: Index of the stage, and how many of its steps are done.
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
    metadata = {"format": FORMAT, "version": VERSION}
    metadata |= {name: str(getattr(checkpoint, name)) for name in PLACE}
    # A copy each: tied weights share storage, which the format cannot say.
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in checkpoint.tensors.items()
    }
    # The recipe is compared with the one of today, so it needs no digest.
    metadata["digest"] = _digest(metadata, tensors)
    metadata["recipe"] = msgspec.json.encode(recipe).decode()
    try:
        write_atomically(path, save(tensors, metadata))
    except OSError as error:
        before = "the checkpoint before it is whole" if path.exists() else None
        raise TrainingError(f"cannot write {path}: {error.strerror}", before) from error


def read_checkpoint(path: Path, recipe: Recipe) -> Checkpoint:
    """Read a checkpoint of this very recipe.

    Raises:
        TrainingError: It cannot be read, is damaged, or belongs to another recipe.
    """
    again = f"begin in another --out, or remove {path} and begin again"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
                raise TrainingError(f"{path} is not a checkpoint of this version of genzoo", again)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except TrainingError:
        raise
    except Exception as error:  # what safetensors and torch raise of damage has no common class
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"{path} cannot be read: {reason}", "train in another --out") from error
    stored, digest = _as_today(metadata.pop("recipe", "")), metadata.pop("digest", "")
    if stored is None or digest != _digest(metadata, tensors):
        raise TrainingError(f"{path} is damaged: its content does not have the digest in it", again)
    changed = _differences(stored, json.loads(msgspec.json.encode(recipe)))
    if changed:
        raise TrainingError(
            f"{path.parent} was trained with another recipe: {'; '.join(changed[:5])}",
            "change it back, or choose another --out",
        )
    try:
        stage, step, threads = (int(metadata[name]) for name in ("stage", "step", "threads"))
        return Checkpoint(stage, step, metadata["data"], threads, tensors)
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{path} is damaged: it does not say where it stands", again) from error


def share_checkpoint(ranks: Ranks, checkpoint: Checkpoint | None) -> Checkpoint | None:
    """The first rank's checkpoint, on all ranks: only that one needs to see the folder."""
    if ranks.count == 1:
        return checkpoint
    outline = ranks.gather(None if checkpoint is None else _outline(checkpoint))[0]
    if outline is None:
        return None
    place, shapes = outline
    tensors = {n: torch.empty(s, dtype=getattr(torch, d)) for n, d, s in shapes}
    if checkpoint is not None:
        tensors = dict(checkpoint.tensors)
    ranks.send(tensors)
    return Checkpoint(**place, tensors=tensors)


def _outline(checkpoint: Checkpoint) -> tuple[dict[str, object], list[object]]:
    """A checkpoint without its numbers: where it stands; names, dtypes and shapes."""
    tensors = checkpoint.tensors.items()
    shapes = [(n, str(t.dtype).removeprefix("torch."), tuple(t.shape)) for n, t in tensors]
    return {name: getattr(checkpoint, name) for name in PLACE}, list[object](shapes)


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Digest of all that a training goes on with."""
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(repr((name, tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _as_today(stored: str) -> object:
    """A stored recipe with the defaults of fields that are newer than it; None where damaged."""
    try:
        fields = json.loads(stored)
        return json.loads(msgspec.json.encode(msgspec.convert(fields, Recipe)))
    except msgspec.ValidationError:  # of a version with more fields
        return fields
    except (ValueError, RecursionError):
        return None


def _differences(old: object, new: object, place: str = "") -> list[str]:
    """What changed between two recipes, as "stages.0.epochs was 2, is 3"."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if place or key not in FREE]
        pairs = [(key, old.get(key), new.get(key)) for key in keys]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(str(index), *values) for index, values in enumerate(zip(old, new, strict=True))]
    else:
        was, now = (json.dumps(value)[:LONGEST] for value in (old, new))
        return [] if old == new else [f"{place} was {was}, is {now}"]
    return [
        difference
        for key, before, after in pairs
        for difference in _differences(before, after, f"{place}.{key}" if place else key)
    ]
