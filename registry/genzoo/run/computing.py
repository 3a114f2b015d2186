"""How a plan is computed: without gradients, on its threads, in its precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genzoo.run.threads import threads
from genzoo.text import one_line
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from genzoo.run.tasks.task import Plan


@contextmanager
def computing(plan: Plan) -> Iterator[None]:
    """Within it the model of a plan computes.

    Raises:
        UsageError: It cannot in half precision: torch or the model lacks an operation in that.
    """
    import torch

    try:
        with torch.inference_mode(), threads(plan.record.threads):
            yield
    except RuntimeError as error:
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
