"""What fails in a training, in words that say what to do."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import torch
from torch.distributed import DistError

from genzoo_core.errors import GenzooError, TrainingError

if TYPE_CHECKING:
    from genzoo_train.stages import Plan

SPELLINGS = (
    "allocate memory",  # torch on the CPU: no class of its own
    "not enough memory",  # the same on Windows
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED and its like
    "size calculation overflowed",
)
"""Parts of the messages, in lower case, of `RuntimeError`s that are failed allocations."""


HANGUP: int | None = getattr(signal, "SIGHUP", None)
"""That the terminal was closed; Windows has no such signal."""


class DivergedError(TrainingError):
    """A loss or a weight became NaN or infinite, or too large for the dtype that stores it."""


class StoppedError(TrainingError):
    """A training was stopped by a signal, and saved a checkpoint first."""

    def __init__(self, step: int, folder: Path, signum: int) -> None:
        super().__init__(
            f"stopped at step {step}, which is saved in {folder}",
            "go on with the same command and --resume",
        )
        self.exit_code = 128 + signum


class EndedError(TrainingError):
    """Another process of the training ended, and this one with it.

    Attributes:
        said: Whether the first one says why, so that nobody else has to.
    """

    def __init__(self, *, said: bool = False) -> None:
        self.said = said
        super().__init__(
            "another process of this training ended, and said why if it could",
            "go on with the same command and --resume",
        )


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list to which the first SIGINT, SIGTERM or SIGHUP is added; a second acts as always.

    SIGHUP is that the terminal was closed; `nohup` has it ignored. Outside the main thread, where
    Python delivers no signals, nothing is changed.
    """
    received: list[int] = []
    before: dict[int, signal._HANDLER] = {}

    def restore() -> None:
        while before:
            signal.signal(*before.popitem())

    def note(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        restore()
        if signum == HANGUP:
            _write_nowhere()

    if threading.current_thread() is threading.main_thread():
        for signum in (signal.SIGINT, signal.SIGTERM, HANGUP):
            if signum and (signum != HANGUP or signal.getsignal(signum) != signal.SIG_IGN):
                before[signum] = signal.signal(signum, note)
    try:
        yield received
    finally:
        restore()


def _write_nowhere() -> None:
    """Let stdout and stderr go nowhere instead of to the terminal, where each write would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with suppress(OSError):  # it is closed
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)


@contextmanager
def plainly(doing: str) -> Iterator[None]:
    """Turn whatever a model's code raises while `doing` something into one line."""
    try:
        yield
    except GenzooError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        if lost(error):
            raise EndedError() from error
        reason = " ".join(str(error).split())[:200]
        # `torch.compile` has errors of many classes, and some of other libraries.
        compiling = "torch.compile" in str(error) or "torch._dynamo" in type(error).__module__
        hint = "set compile = false" if compiling else "`genzoo --debug …` shows where"
        raise TrainingError(f"{doing}: {type(error).__name__}: {reason}", hint) from error


@contextmanager
def memory_advice(message: str, hint: str) -> Iterator[None]:
    """Turn a failed allocation, however it is spelt, into a `TrainingError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise TrainingError(message, hint) from error


@contextmanager
def stage_failures(index: int, plan: Plan, component: str, doing: str) -> Iterator[None]:
    """Turn what fails in a stage, such as "fails" or "cannot begin", into a message with advice.

    A smaller batch gives other weights, so that is for the user to choose.
    """
    batch_size = plan.recipe.batch_size
    hint = "make the model smaller, or its pictures"
    if batch_size > 1:
        hint = f"try --set stages.{index}.batch_size={batch_size // 2} in another --out"
    with (
        memory_advice(f"out of memory at a batch of {batch_size} images", hint),
        plainly(f"stage {plan.stage.name!r} of {component} {doing}"),
    ):
        yield


def lost(error: Exception) -> bool:
    """Whether an exception says that another process of the training is no more."""
    text = str(error).lower()
    return isinstance(error, DistError) or (isinstance(error, RuntimeError) and "gloo" in text)


def out_of_memory(error: Exception) -> bool:
    """Whether an exception is a failed allocation."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(spelling in text for spelling in SPELLINGS)
