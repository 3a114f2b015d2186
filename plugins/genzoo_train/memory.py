"""Out of memory, said so that a user knows what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from genzoo_core.errors import TrainingError


@contextmanager
def memory_advice(stage: int, batch_size: int) -> Iterator[None]:
    """Turn a failed allocation into a `TrainingError` that names the setting to lower.

    A smaller batch gives other weights, so that is for the user to choose.

    Args:
        stage: Index of the stage.
        batch_size: Images in a step of it.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _advice(stage, batch_size) from error
    except RuntimeError as error:
        # What torch's CPU allocator raises has no class of its own.
        if "can't allocate memory" not in str(error):
            raise
        raise _advice(stage, batch_size) from error


def _advice(stage: int, batch_size: int) -> TrainingError:
    return TrainingError(
        f"out of memory at a batch of {batch_size} images",
        f"try --set stages.{stage}.batch_size={max(batch_size // 2, 1)} in another --out",
    )
