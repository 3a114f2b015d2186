"""Out of memory, said so that a user knows what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from genzoo_core.errors import TrainingError

SPELLINGS = (
    "allocate memory",  # torch on the CPU: no class of its own
    "not enough memory",  # the same on Windows
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED and its like
    "size calculation overflowed",
)
"""What `RuntimeError`s say that mean it, in lower case."""


@contextmanager
def memory_advice(message: str, hint: str) -> Iterator[None]:
    """Turn a failed allocation, however it is spelt, into a `TrainingError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise TrainingError(message, hint) from error


def step_advice(stage: int, batch_size: int) -> tuple[str, str]:
    """What to say of a failed allocation in a step, with the setting to lower.

    A smaller batch gives other weights, so that is for the user to choose.

    Args:
        stage: Index of the stage.
        batch_size: Images in a step of it.
    """
    message = f"out of memory at a batch of {batch_size} images"
    if batch_size == 1:
        return message, "make the model smaller, or its pictures"
    return message, f"try --set stages.{stage}.batch_size={batch_size // 2} in another --out"


def out_of_memory(error: Exception) -> bool:
    """Whether an exception is a failed allocation."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(spelling in text for spelling in SPELLINGS)
