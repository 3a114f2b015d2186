"""How many threads of the CPU compute."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SMALL = 10_000_000
"""Parameters below which one thread is best."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with `count` CPU threads, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_threads(module: nn.Module) -> int:
    """CPU threads that measure best: one for a small net, whose layers are done before a
    second thread has woken up."""
    parameters = sum(p.numel() for p in module.parameters())
    return 1 if parameters < SMALL else min(4, os.cpu_count() or 1)
