"""Carrying out a plan, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.conditions import prepare
from genzoo.run.tasks.encode import Encode
from genzoo.run.tasks.task import Plan
from genzoo.run.threads import threads
from genzoo_core.errors import GenzooError
from genzoo_core.pictures import Latents, Pictures

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

    Attributes:
        pictures: What was finished, or None where nothing was.
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
    """Make what was planned, telling the hooks before and after.

    Args:
        plan: What to make.
        zoo: Whose hooks are told.
        keep_frames: Keep the pictures on the way.
        on_progress: Told how far it is.
        on_message: Told of what a user should know, in one line.

    Raises:
        RunInterrupted: Ctrl-C; holds what was finished.
        UsageError: The options do not fit the model.
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


def make_latents(plan: Plan) -> Latents:
    """The posteriors of the inputs of a plan whose request says `encode`."""
    import torch

    from genzoo_core.encoder import Posterior

    task, step, count = plan.task, plan.record.batch, plan.count
    assert isinstance(task, Encode)
    with torch.inference_mode(), threads(plan.record.threads):
        spans = [(start, min(start + step, count)) for start in range(0, count, step)]
        parts = [task.posterior(plan, prepare(plan, *span), *span) for span in spans]
    stds = [part.std for part in parts if part.std is not None]
    mean = torch.cat([part.mean for part in parts]).cpu()
    return Latents(Posterior(mean, torch.cat(stds).cpu() if stds else None), plan.record)


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
        self.first, self.last = plan.record.pictures or (0, plan.count)
        self.batch = plan.record.batch
        # A batch begins where it did when the pictures were made first: see Record.
        self.done = self.begin = self.first // self.batch * self.batch
        self.made: list[Tensor] = []
        self.frames: list[list[Tensor]] | None = [] if keep_frames else None
        self.on_progress = on_progress
        self.on_message = on_message

    def make(self) -> None:
        """Make the pictures, batch by batch."""
        import torch

        with torch.inference_mode():
            while self.done < self.last:
                stop = min(self.done + self.batch, self.plan.count)
                try:
                    self._make_batch(stop)
                except (RuntimeError, MemoryError) as error:
                    self._halve(error, stop - self.done)

    def _make_batch(self, stop: int) -> None:
        import torch

        frames: list[Tensor] = []
        plan, on_step = self.plan, self._on_step(frames, stop - self.done)
        conditions = prepare(plan, self.done, stop)
        images = plan.task.make(plan, conditions, self.done, stop, on_step)
        images = images.detach().float().cpu()
        if not torch.isfinite(images).all():
            raise GenzooError(
                f"{self.plan.opened.name} gave pictures that are not finite",
                "use options closer to its defaults",
            )
        self.made.append(images.clamp(-1, 1))
        if self.frames is not None:
            self.frames.append(frames)
        self.done = stop
        self._report(stop)

    def _on_step(self, frames: list[Tensor], size: int) -> OnStep | None:
        if self.frames is None and self.on_progress is None:
            return None

        def on_step(step: int, total: int, x: Tensor) -> None:
            self._report(self.done + size * step / max(total, 1))
            spacing = max(1, -(-total // MAX_FRAMES))
            if self.frames is not None and (step % spacing == 0 or step == total):
                frames.append(x.detach().float().cpu().clamp(-1, 1).clone())

        return on_step

    def _report(self, done: float) -> None:
        if self.on_progress is not None:
            self.on_progress(min(done, self.last) - self.begin, self.last - self.begin)

    def _halve(self, error: Exception, size: int) -> None:
        """Go on in smaller batches if memory ran out: a picture does not depend on its batch."""
        if not is_out_of_memory(error):
            raise error
        if size == 1:
            raise GenzooError(
                f"out of memory making one picture with {self.plan.opened.name}",
                "close other programs, or use --device cpu",
            ) from error
        self.batch = size // 2
        if self.on_message is not None:
            self.on_message(f"out of memory with {size} pictures at a time; trying {self.batch}")

    def pictures(self) -> Pictures:
        """What is finished."""
        import torch

        plan, first, last = self.plan, self.first, min(self.done, self.last)
        part = slice(first - self.begin, last - self.begin)
        record = msgspec.structs.replace(
            plan.record,
            batch=min(self.batch, plan.record.batch),
            pictures=None if (first, last) == (0, plan.count) else (first, last),
        )
        steps = min((len(frames) for frames in self.frames or ()), default=0)
        frames = [torch.cat([batch[step] for batch in self.frames or ()]) for step in range(steps)]
        above = plan.task.above(plan)
        return Pictures(
            images=torch.cat(self.made)[part],
            record=record,
            seeds=tuple(plan.seeds[first:last]),
            frames=tuple(frame[part] for frame in frames),
            columns=min(record.n, last - first) if plan.task.in_rows else None,
            inputs=None if above is None else above[first:last],
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether `error` says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
