"""Carrying out a plan, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.model_file import memory_bytes
from genzoo.run.computing import computing, is_out_of_memory, out_of_memory
from genzoo.run.plan import picture_shape
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Batch, Plan
from genzoo.text import one_line
from genzoo_core.errors import GenzooError, PluginError, UsageError
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.zoo import Zoo
    from genzoo_core.model import OnStep

MAX_FRAMES = 64
"""Most frames of a sampling; of more steps, evenly spaced ones."""

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
) -> Pictures:
    """Make what was planned, all of it in memory; as `make_batches`.

    Raises:
        RunInterrupted: Ctrl-C; holds what was finished.
    """
    check_memory(plan)
    batches: list[Pictures] = []
    try:
        # What came before an interrupt stays in the list.
        batches.extend(make_batches(plan, zoo, keep_frames=keep_frames, on_progress=on_progress))
    except KeyboardInterrupt as interrupt:
        raise RunInterrupted(join(batches) if batches else None) from interrupt
    return join(batches)


def make_batches(
    plan: Plan,
    zoo: Zoo,
    *,
    keep_frames: bool = False,
    on_progress: OnProgress | None = None,
    on_message: Callable[[str], None] | None = None,
) -> Iterator[Pictures]:
    """Make what was planned, batch by batch, calling the hooks of `zoo` before and after.

    Where a plugin has the hook `genzoo_after_run`, which gets all pictures, they come at once.
    At Ctrl-C what is finished comes first. `keep_frames` keeps the pictures on the way;
    `on_message` is called with messages for the user, a line each.

    Raises:
        GenzooError: The model fails, or memory runs out for a single picture.
    """
    zoo.call_hook("genzoo_before_run", record=plan.record)
    batches = _Run(plan, zoo, keep_frames, on_progress, on_message).batches()
    if not zoo.catalogue.has_hook("genzoo_after_run"):
        yield from batches
        return
    check_memory(plan)
    yield from at_once(
        batches,
        lambda made: zoo.call_hook("genzoo_after_run", record=made.record, pictures=made),
    )


def at_once(batches: Iterable[Pictures], look: Callable[[Pictures], object]) -> Iterator[Pictures]:
    """All batches as one, at which `look` has looked; at Ctrl-C what is finished."""
    finished: list[Pictures] = []
    try:
        finished.extend(batches)
        pictures = join(finished)
        look(pictures)
    except KeyboardInterrupt:
        if finished:
            yield join(finished)
        raise
    yield pictures


def join(batches: Sequence[Pictures]) -> Pictures:
    """Batches of a run that follow each other, as one."""
    import torch

    if len(batches) == 1:
        return batches[0]
    columns = [batch.columns for batch in batches if batch.columns]
    inputs = [batch.inputs for batch in batches if batch.inputs is not None]
    record = spanning(batches[0].record, batches[-1].record)
    frames = zip(*(batch.frames for batch in batches), strict=False)  # not all have as many
    return Pictures(
        images=torch.cat([batch.images for batch in batches]),
        record=record,
        seeds=tuple(seed for batch in batches for seed in batch.seeds),
        frames=tuple(torch.cat(parts) for parts in frames),
        columns=min(record.n, sum(columns)) if columns else None,
        inputs=torch.cat(inputs) if inputs else None,
        zoo=batches[0].zoo,
    )


def spanning(first: Record, last: Record) -> Record:
    """The record of a run's pictures from those of its `first` batch to those of its `last`."""
    whole = (0, task_of(first).rows * first.n)
    pictures = ((first.pictures or whole)[0], (last.pictures or whole)[1])
    return msgspec.structs.replace(last, pictures=None if pictures == whole else pictures)


def check_memory(plan: Plan) -> None:
    """Refuse more pictures than half of this machine's memory holds."""
    memory = memory_bytes()
    needed = plan.count * 4 * prod(picture_shape(plan.opened, plan.options))
    if needed > memory / 2:
        raise UsageError(
            f"{plan.count:,} pictures take {needed / 2**30:.1f} GiB, and this machine has "
            f"{memory / 2**30:.1f} GiB of memory",
            "write them to a folder, or make fewer at once, with --seed for the next",
        )


def make_batch(batch: Batch) -> Tensor:
    """The pictures of one batch, float32 `[len(batch), C, H, W]` in [-1, 1] on the CPU.

    Raises:
        PluginError: The model fails, or gives something else.
        GenzooError: A picture holds NaN or infinity.
    """
    import torch

    plan, name = batch.plan, batch.plan.opened.name
    with computing(plan):
        try:
            made = plan.task.make(batch)
            _check_shape(made, plan, len(batch))
            images = plan.task.finish(batch, made).detach().float().cpu()
        except OSError as error:
            raise PluginError(f"{name} failed: {one_line(error)}") from error
    if not torch.isfinite(images).all():
        half = plan.record.precision == "fp16"  # whose largest number is 65,504
        raise GenzooError(
            f"{name} gave pictures that are not finite",
            "use --precision bf16 or fp32" if half else "use options closer to its defaults",
        )
    return images.clamp(-1, 1)


def _check_shape(made: object, plan: Plan, count: int) -> None:
    """Refuse what is not `count` pictures: under a mask it could be spread over them."""
    import torch

    shape = (count, *picture_shape(plan.opened, plan.options))
    if not isinstance(made, torch.Tensor) or made.shape != shape:
        found = list(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__
        raise PluginError(
            f"{plan.opened.name} failed: its pictures are {found}, not {list(shape)}",
            "ask its author",
        )


@dataclass
class _Run:
    """A run under way: what is finished, and how big the next batch is."""

    plan: Plan
    zoo: Zoo
    keep_frames: bool
    on_progress: OnProgress | None
    on_message: Callable[[str], None] | None

    def __post_init__(self) -> None:
        self.first, self.last = self.plan.record.pictures or (0, self.plan.count)
        self.size = self.plan.record.batch
        # A batch begins where it did when the pictures were made first: see Record.
        self.done = self.begin = self.first // self.size * self.size

    def batches(self) -> Iterator[Pictures]:
        """Make the pictures, batch by batch."""
        while self.done < self.last:
            start, stop = self.done, min(self.done + self.size, self.plan.count)
            frames: list[Tensor] = []
            batch = Batch(self.plan, start, stop, self._on_step(frames, stop - start))
            try:
                images = make_batch(batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(stop - start, error)
                continue
            self.done = stop
            if stop > self.first:
                yield self._pictures(start, stop, images, frames)
            self._report(stop)

    def _pictures(self, start: int, stop: int, images: Tensor, frames: list[Tensor]) -> Pictures:
        """The pictures of a batch that belong to the run."""
        plan, first, last = self.plan, max(start, self.first), min(stop, self.last)
        part = slice(first - start, last - start)
        above = plan.task.above(plan)
        return Pictures(
            images=images[part],
            record=msgspec.structs.replace(
                plan.record,
                batch=self.size,
                pictures=None if (first, last) == (0, plan.count) else (first, last),
            ),
            seeds=tuple(plan.seeds[first:last]),
            frames=tuple(frame[part] for frame in frames),
            columns=min(plan.record.n, last - first) if plan.task.in_rows else None,
            inputs=None if above is None else above[first:last],
            zoo=self.zoo,
        )

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
            raise out_of_memory(self.plan) from error
        self.size = size // 2
        if self.on_message is not None:
            self.on_message(f"out of memory with {size} pictures at a time; trying {self.size}")
