"""Where a plan is carried out: device, threads, and how many pictures at a time."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from genzoo.pictures.requests import Plan, require_whole
from genzoo_core.errors import UsageError

BATCH = 64
"""Pictures made at a time unless asked otherwise."""
SMALL = 10_000_000
"""Parameters below which one thread is best."""


def check_device(device: str) -> None:
    """Check that tensors can be put on `device`.

    Raises:
        UsageError: They cannot; names the devices that are here.
    """
    if device == "cpu":
        return
    if not isinstance(device, str):
        raise UsageError(f"device is {device!r}; give text, such as cpu")
    import torch

    try:
        if torch.device(device).type == "meta":
            raise UsageError("device meta holds no numbers; use cpu")
        torch.zeros(1, device=device).cpu()
    except UsageError:
        raise
    except Exception as error:  # each of torch's many backends raises its own
        here = ["cpu"]
        here += ["cuda"] if torch.cuda.is_available() else []
        here += ["mps"] if torch.backends.mps.is_available() else []
        message = f"device {device!r} is not available here; there is {', '.join(here)}"
        raise UsageError(message) from error


def place(plan: Plan, *, device: str, threads: int | None, batch: int) -> Plan:
    """`plan` with where and in what portions it is made.

    Raises:
        UsageError: `threads` or `batch` is not positive, or the pictures fill the memory.
    """
    require_whole("threads", threads)
    require_whole("batch", batch)
    if batch is None:
        raise UsageError("batch is None; give a whole number")
    if threads is not None and not 1 <= threads <= 1024:
        raise UsageError(f"--threads is {threads}; give a number from 1 to 1024")
    if batch < 1:
        raise UsageError(f"--batch is {batch}; give a number of at least 1")
    needed = plan.count * 4 * _numel(plan)
    memory = _memory()
    if memory is not None and needed > memory / 2:
        raise UsageError(
            f"{plan.count:,} pictures take {needed / 2**30:.1f} GiB, and this machine has "
            f"{memory / 2**30:.1f} GiB of memory; ask for fewer, and for the others with --seed"
        )
    record = msgspec.structs.replace(
        plan.record,
        device=device,
        threads=threads or best_threads(plan),
        batch=min(batch, plan.count),
    )
    return replace(plan, record=record)


def _memory() -> int | None:
    """Bytes of memory of this machine, where the system says it."""
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _numel(plan: Plan) -> int:
    from math import prod

    from genzoo.pictures.resolving import picture_shape

    return prod(picture_shape(plan.loaded))


def best_threads(plan: Plan) -> int:
    """CPU threads that measure best: one for a small net, whose layers are done before a
    second thread has woken up."""
    import os

    parameters = sum(p.numel() for p in plan.loaded.built.module.parameters())
    return 1 if parameters < SMALL else min(4, os.cpu_count() or 1)
