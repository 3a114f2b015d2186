"""Carrying out a plan, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.tasks.task import Batch, Plan
from genzoo.run.threads import threads
from genzoo_core.errors import GenzooError
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep
    from genzoo_core.zoo import Zoo

MAX_FRAMES = 64
"""Most frames that are kept of a sampling; of more steps, evenly spaced ones."""

OnProgress = Callable[[float, int], None]
"""Called as `on_progress(done, total)` in pictures; a batch under way counts in part."""


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C in a run, or SIGTERM under `genzoo`; `__cause__` says which.

    `pictures` is what was finished, or None where nothing was.
    """

    def __init__(self, pictures: Pictures | None) -> None:
        super().__init__("interrupted")
        self.pictures = pictures


def make(
    plan: Plan,
    zoo: Zoo,
    *,
    keep_frames: bool = False,
    on_progress: OnProgress | None = None,
    on_message: Callable[[str], None] | None = None,
) -> Pictures:
    """Make what was planned, calling the hooks of `zoo` before and after.

    `keep_frames` keeps the pictures on the way; `on_message` is told in one line what a user
    should know.

    Raises:
        RunInterrupted: Ctrl-C; holds what was finished.
        GenzooError: The model fails, or memory runs out for a single picture.
    """
    plan.task.check_options(plan)
    zoo.call_hook("genzoo_before_run", record=plan.record)
    run = _Run(plan, keep_frames, on_progress, on_message)
    try:
        with threads(plan.record.threads):
            run.make()
        pictures = run.pictures()
        zoo.call_hook("genzoo_after_run", record=pictures.record, pictures=pictures)
    except KeyboardInterrupt as interrupt:
        raise RunInterrupted(run.pictures() if run.done > run.first else None) from interrupt
    return pictures


class _Run:
    """A run under way: what is finished, and how big the next batch is."""

    def __init__(
        self,
        plan: Plan,
        keep_frames: bool,
        on_progress: OnProgress | None,
        on_message: Callable[[str], None] | None,
    ) -> None:
        self.plan = plan
        self.keep_frames = keep_frames
        self.on_progress = on_progress
        self.on_message = on_message
        self.first, self.last = plan.record.pictures or (0, plan.count)
        self.size = plan.record.batch
        # A batch begins where it did when the pictures were made first: see Record.
        self.done = self.begin = self.first // self.size * self.size
        self.images: list[Tensor] = []
        self.frames: list[list[Tensor]] = []

    def make(self) -> None:
        """Make the pictures, batch by batch."""
        import torch

        with torch.inference_mode():
            while self.done < self.last:
                stop = min(self.done + self.size, self.plan.count)
                try:
                    self._make_batch(stop)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    self._halve(stop - self.done, error)

    def _make_batch(self, stop: int) -> None:
        import torch

        frames: list[Tensor] = []
        batch = Batch(self.plan, self.done, stop, self._on_step(frames, stop - self.done))
        images = self.plan.task.make(batch).detach().float().cpu()
        if not torch.isfinite(images).all():
            raise GenzooError(
                f"{self.plan.opened.name} gave pictures that are not finite",
                "use options closer to its defaults",
            )
        self.images.append(images.clamp(-1, 1))
        self.frames.append(frames)
        self.done = stop
        self._report(stop)

    def _on_step(self, frames: list[Tensor], size: int) -> OnStep | None:
        if not self.keep_frames and self.on_progress is None:
            return None

        def on_step(step: int, total: int, x: Tensor) -> None:
            self._report(self.done + size * step / max(total, 1))
            spacing = max(1, -(-total // MAX_FRAMES))
            if self.keep_frames and (step % spacing == 0 or step == total):
                frames.append(x.detach().float().cpu().clamp(-1, 1).clone())

        return on_step

    def _report(self, done: float) -> None:
        if self.on_progress is not None:
            self.on_progress(min(done, self.last) - self.begin, self.last - self.begin)

    def _halve(self, size: int, error: Exception) -> None:
        """Go on in smaller batches: a picture does not depend on its batch."""
        if size == 1:
            raise GenzooError(
                f"out of memory making one picture with {self.plan.opened.name}",
                "close other programs, or use --device cpu",
            ) from error
        self.size = size // 2
        if self.on_message is not None:
            self.on_message(f"out of memory with {size} pictures at a time; trying {self.size}")

    def pictures(self) -> Pictures:
        """What is finished."""
        import torch

        plan, first, last = self.plan, self.first, min(self.done, self.last)
        part = slice(first - self.begin, last - self.begin)
        record = msgspec.structs.replace(
            plan.record,
            batch=min(self.size, plan.record.batch),
            pictures=None if (first, last) == (0, plan.count) else (first, last),
        )
        steps = zip(*self.frames, strict=False)  # batches may differ in their number of frames
        above = plan.task.above(plan)
        return Pictures(
            images=torch.cat(self.images)[part],
            record=record,
            seeds=tuple(plan.seeds[first:last]),
            frames=tuple(torch.cat(batches)[part] for batches in steps),
            columns=min(record.n, last - first) if plan.task.in_rows else None,
            inputs=None if above is None else above[first:last],
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether `error` says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
