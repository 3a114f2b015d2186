"""How a plan is computed: without gradients, on its threads, in its precision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genzoo.text import one_line
from genzoo_core.devices import threads
from genzoo_core.errors import GenzooError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from genzoo.run.tasks.task import Plan

SMALL = 10_000_000
"""Parameters below which one thread is best."""


def best_threads(module: nn.Module) -> int:
    """CPU threads that measure best: one for a small net, whose layers are done before a
    second thread has woken up."""
    parameters = sum(p.numel() for p in module.parameters())
    return 1 if parameters < SMALL else min(4, os.cpu_count() or 1)


@contextmanager
def computing(plan: Plan) -> Iterator[None]:
    """Within it the model of a plan computes.

    Raises:
        UsageError: It cannot in half precision, in which torch or the model lacks an operation, or
            cannot be compiled.
    """
    import torch

    try:
        with torch.inference_mode(), threads(plan.record.threads):
            yield
    except RuntimeError as error:
        if plan.record.compile:
            from torch._dynamo.exc import TorchDynamoException

            if isinstance(error, TorchDynamoException):
                reason = one_line(error)
                raise UsageError(
                    f"{plan.opened.name} cannot be compiled: {reason}", "leave out --compile"
                ) from error
        precision = plan.record.precision
        if precision == "fp32" or is_out_of_memory(error):
            raise
        raise UsageError(
            f"{plan.opened.name} cannot compute in {precision}: {one_line(error)}",
            "use --precision fp32",
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether `error` says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text


def out_of_memory(plan: Plan) -> GenzooError:
    """The error where not even one picture fits into memory, with what may help."""
    from genzoo_core.model import Offloadable

    offload = plan.record.offload
    if plan.record.device == "cpu":
        hint = "close other programs, or make smaller pictures where the model has the option"
    elif isinstance(plan.opened.module, Offloadable) and offload != "sequential":
        hint = f"use --offload {'sequential' if offload else 'model'}"
    else:
        hint = "close other programs, or use --device cpu"
    return GenzooError(f"out of memory making one picture with {plan.opened.name}", hint)
