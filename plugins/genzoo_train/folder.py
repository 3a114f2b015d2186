"""The folder of a run: who may write in it, and what lies where."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import ConfigError, TrainingError
from genzoo_core.recipe import CHECKPOINT

LOCK, RECIPE = ".lock", "recipe.toml"

LEFTOVER = ".genzoo-"
"""How files begin that a killed training was about to write; see `genzoo_core.atomic`."""

LONGEST_LINE = 1_000_000
"""Bytes of a line of the log; more in one are damage."""


class RunFolder:
    """A run's folder, made where it does not exist, and held by one trainer at a time.

    Args:
        path: The folder.
        resume: Whether it may hold a training, which goes on.
        hold: False for ranks that write nothing: the first one holds it.

    Raises:
        TrainingError: Another trainer holds it, it cannot be written, or it is not empty and
            `resume` is false.
    """

    def __init__(self, path: Path, *, resume: bool, hold: bool = True) -> None:
        self.path = path
        self.checkpoint = path / CHECKPOINT
        self.log = path / "log.jsonl"
        self.card = path / "card.toml"
        # The system drops the lock with the process, however that ends.
        self._lock = FileLock(path / LOCK)
        if not hold:
            return
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            check_free(path, resume=resume)
            for leftover in (*path.glob(f"{LEFTOVER}*"), *path.glob(f"samples/{LEFTOVER}*")):
                leftover.unlink(missing_ok=True)
        except Timeout as error:
            raise TrainingError(
                f"another training runs in {path}", "wait for it, or choose another --out"
            ) from error
        except TrainingError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise TrainingError(f"cannot write in {path}: {error.strerror}") from error

    def weights(self, name: str) -> Path:
        """The model file that the training writes."""
        return self.path / f"{name}.safetensors"

    def check_files(self, name: str) -> None:
        """Check that nothing is in the way of the files that a training ends with.

        Raises:
            ConfigError: The model has the name of the checkpoint.
            TrainingError: There is a folder of a file's name.
        """
        weights = self.weights(name)
        if weights == self.checkpoint:
            raise ConfigError(f"no model can be called {name}", "try --set name=…")
        for file in (weights, self.checkpoint, self.log, self.card):
            if file.is_dir():
                raise TrainingError(f"{file} is a folder, not a file", "choose another --out")

    def samples(self, stage: str, step: int) -> Path:
        """The file of a grid of samples."""
        folder = self.path / "samples"
        folder.mkdir(exist_ok=True)
        return folder / f"{stage}-{step:07d}.png"

    def write_log(self, step: int, values: Mapping[str, float | str]) -> None:
        """Append the figures of a step.

        Raises:
            TrainingError: It cannot be written.
        """
        # JSON has neither NaN nor infinity: they are null.
        finite = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()
        }
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **finite}) + "\n")
        except OSError as error:
            raise TrainingError(f"cannot write {self.log}: {error.strerror}") from error

    def cut_log(self, step: int) -> int:
        """Remove the figures of steps after `step`, which will be done again.

        Returns:
            How many lines were damaged, and are left out as well.

        Raises:
            TrainingError: The log cannot be read or written.
        """
        cut, damaged = [], 0
        try:
            with self.log.open("rb") as file:
                while line := file.readline(LONGEST_LINE):
                    logged = _step(line)
                    if logged is None:
                        damaged += 1
                    elif logged <= step:
                        cut.append(line)
            write_atomically(self.log, b"".join(cut))
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise TrainingError(f"cannot write {self.log}: {error.strerror}") from error
        return damaged

    def close(self) -> None:
        """Let others train here."""
        self._lock.release()


def check_free(path: Path, *, resume: bool, other: str = "--out") -> None:
    """Check that a training may begin, or go on, in a folder; `other` is what chooses another.

    Raises:
        TrainingError: The folder is not empty and `resume` is false, or cannot be written.
    """
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        why = f"cannot write {path}: {there} is no folder that can be written"
        raise TrainingError(why, "choose another --out")
    if resume or not path.is_dir():
        return
    if any(
        entry.name not in (LOCK, RECIPE) and not entry.name.startswith(LEFTOVER)
        for entry in path.iterdir()
    ):
        raise TrainingError(
            f"{path} is not empty", f"add --resume to go on, or choose another {other}"
        )


def _step(line: bytes) -> int | None:
    """The step of a line of the log; None where it is damaged."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    step = fields.get("step") if isinstance(fields, dict) else None
    return step if type(step) is int and line.endswith(b"\n") else None
