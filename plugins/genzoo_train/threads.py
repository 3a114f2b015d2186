"""How many CPU threads a training takes."""

from __future__ import annotations

import os
import time

import torch

from genzoo_train.loop import StageLoop
from genzoo_train.ranks import Ranks

MOST_THREADS = 1024
"""Threads that a training may take: the system gives them out one by one, and fails at some."""

GAIN = 1.15
"""How much faster a doubling must be to be worth it: it takes cores from others."""

PATIENCE = 1.0
"""Seconds that one number of threads may be tried for."""


def equal_threads(ranks: Ranks) -> int:
    """Threads of each rank, where those of a machine share its cores."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    return max(1, cores // ranks.neighbours())


def set_fastest(loop: StageLoop) -> int:
    """Try 1, 2, 4 … threads up to torch's own number, and set the fastest number.

    Small nets lose more by sharing work than they gain. Nothing of the training changes by it.

    Returns:
        The number that was set.
    """
    most = torch.get_num_threads()
    torch.set_num_threads(1)
    best, seconds = 1, _seconds(loop) if most > 1 else 0.0
    for count in (2**k for k in range(1, most.bit_length())):
        torch.set_num_threads(count)
        slower, seconds = seconds, _seconds(loop)
        if slower < seconds * GAIN:
            break
        best = count
    torch.set_num_threads(best)
    return best


def _seconds(loop: StageLoop) -> float:
    """Least seconds of a few rehearsed steps: other work of the machine can only add to them."""
    loop.rehearse()
    end, best = time.monotonic() + PATIENCE, float("inf")
    for _ in range(20):
        start = time.perf_counter()
        loop.rehearse()
        best = min(best, time.perf_counter() - start)
        if time.monotonic() > end:
            break
    return best
