"""One thread for each model: it opens the model, and makes pictures of many requests at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from genzoo_core import GenzooError, Latents, Opened, Zoo
from genzoo_core.zoo import Part, Plan
from genzoo_serve.files import to_png
from genzoo_serve.jobs import Job, Made, OnTheWay
from genzoo_serve.metrics import BATCHES, PICTURES


class AbandonedError(Exception):
    """Every client of a batch has gone."""


class Turns:
    """Lets one batch at a time compute: two would only take each other's processors.

    A batch of genzoo's own models passes its turn on between its steps, in the order in which
    others came. What a format of others builds does not: its libraries may draw from torch's own
    generator, which another batch must not find changed.
    """

    def __init__(self) -> None:
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._taken = False

    def take(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        mine.wait()

    def give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    def pass_on(self) -> None:
        if self._waiting:
            self.give()
            self.take()


@dataclass(frozen=True)
class Settings:
    """How workers work.

    Attributes:
        device, precision: What models are opened with.
        batch: Most pictures in a batch.
        linger: Seconds to wait for further requests before a batch that is not full begins.
    """

    device: str
    precision: str
    batch: int
    linger: float


class Worker:
    """Makes the pictures of one model.

    Args:
        zoo: Opens it.
        name: The model.
        settings: How to work.
        turns: Shared by the workers of a device.
        on_open: Called once the model is open.

    Attributes:
        size: Bytes that the model takes; 0 before it is open.
        used: When it was last asked for something, by `time.monotonic`.
    """

    def __init__(
        self,
        zoo: Zoo,
        name: str,
        settings: Settings,
        turns: Turns,
        on_open: Callable[[Worker], None],
    ) -> None:
        self.name, self.size, self.used = name, 0, time.monotonic()
        self._zoo, self._settings, self._turns, self._on_open = zoo, settings, turns, on_open
        self._opened: Opened | None = None
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=f"worker of {name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> bool:
        """Put a job at the end of the queue; False where the worker is closing."""
        with self._changed:
            if self._closing:
                return False
            self.used = time.monotonic()
            self._jobs.append(job)
            self._changed.notify()
            return True

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or under way."""
        return not self._jobs

    def close(self) -> None:
        """Let the thread end when its jobs are done, and forget the model."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while self._wait():
            job = self._jobs[0]
            try:
                self._serve(job)
            except AbandonedError:
                pass
            except Exception as error:
                self._drop(job, error)
        self._opened = None

    def _wait(self) -> bool:
        """Wait for a job; False where there will be no more."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            return bool(self._jobs)

    def _serve(self, job: Job) -> None:
        """One batch, which the first job is part of; or that job alone, or none of it."""
        if self._opened is None:
            self._open()
        if self._settings.linger and len(self._jobs) == 1 and self._settings.batch > 1:
            with self._changed:
                self._changed.wait(self._settings.linger)
        for each in list(self._jobs):
            if each.cancelled:
                self._drop(each)
            elif each.plan is None:
                self._plan(each)
        if not self._jobs or self._jobs[0] is not job:
            return
        assert job.plan is not None
        assert self._opened is not None
        if job.plan.group is None:
            self._serve_alone(job)
        else:
            self._serve_together(job)

    def _open(self) -> None:
        self._turns.take()
        try:
            self._opened = self._zoo.open(
                self.name,
                device=self._settings.device,
                precision=self._settings.precision,  # type: ignore[arg-type]
            )
        finally:
            self._turns.give()
        module = self._opened.module
        self.size = sum(t.nbytes for t in (*module.parameters(), *module.buffers()))
        self._on_open(self)

    def _plan(self, job: Job) -> None:
        assert self._opened is not None
        try:
            job.plan = self._zoo.plan(job.request, self._opened)
            self._zoo.call_hook("genzoo_before_run", record=job.plan.record)
        except GenzooError as error:
            self._drop(job, error)

    def _serve_alone(self, job: Job) -> None:
        assert self._opened is not None
        self._turns.take()
        try:
            made: object
            if job.request.encode:
                made = self._zoo.encode(job.request, self._opened)
            else:
                made = Made(self._zoo.generate(job.request, opened=self._opened), 0)
        finally:
            self._turns.give()
        assert isinstance(made, Made | Latents)
        job.tell(made)
        self._drop(job)

    def _serve_together(self, first: Job) -> None:
        """A batch of the first job and of all others of its group, in fair shares."""
        assert first.plan is not None
        group = [j for j in self._jobs if j.plan and j.plan.group == first.plan.group]
        group = group[: self._settings.batch]
        share = max(1, self._settings.batch // len(group))
        counts = [min(share, _left(job)) for job in group]
        for index, job in enumerate(group):  # what others leave
            counts[index] += min(_left(job) - counts[index], self._settings.batch - sum(counts))
        parts = [
            Part(_plan_of(job), job.done, job.done + n)
            for job, n in zip(group, counts, strict=True)
        ]
        assert self._opened is not None
        watch = _Watch(group, counts, None if self._opened.format else self._turns)
        self._turns.take()
        try:
            made = self._zoo.make_together(parts, watch)
        finally:
            self._turns.give()
        BATCHES.labels(self.name).observe(sum(counts))
        PICTURES.labels(self.name).inc(sum(counts))
        for job, part, pictures in zip(group, parts, made, strict=True):
            job.done = part.stop
            job.tell(Made(pictures, part.start))
            if job.done == part.plan.count:
                self._drop(job)
            elif len(self._jobs) > 1:  # what is large waits for the others
                self._jobs.remove(job)
                self._jobs.append(job)

    def _drop(self, job: Job, error: Exception | None = None) -> None:
        with self._changed:
            self._jobs.remove(job)
        job.end(error)


def _plan_of(job: Job) -> Plan:
    assert job.plan is not None
    return job.plan


def _left(job: Job) -> int:
    return _plan_of(job).count - job.done


class _Watch:
    """Called after each step of a batch: sends pictures on the way, and looks who is gone."""

    def __init__(self, jobs: list[Job], counts: list[int], turns: Turns | None) -> None:
        self._jobs, self._counts, self._turns = jobs, counts, turns

    def __call__(self, step: int, total: int, x: Tensor) -> None:
        if all(job.cancelled for job in self._jobs):
            raise AbandonedError
        first = 0
        for job, count in zip(self._jobs, self._counts, strict=True):
            number = _shown_at(step, total, job.partials)
            if number is not None:
                for index, picture in enumerate(x[first : first + count]):
                    job.tell(OnTheWay(to_png(picture), job.done + index, number))
            first += count
        if self._turns is not None:
            self._turns.pass_on()


def _shown_at(step: int, total: int, partials: int) -> int | None:
    """Which of the pictures on the way a step gives: they are evenly spaced; None for none."""
    for number in range(partials):
        if step == max(1, round(total * (number + 1) / (partials + 1))) and step < total:
            return number
    return None
