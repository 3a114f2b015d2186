"""One thread for each model: it opens the model, and makes pictures of many requests together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from torch import Tensor

from genzoo_core import Latents, Opened, Pictures, Zoo
from genzoo_core.request import Precision
from genzoo_core.zoo import Part, Plan
from genzoo_serve.files import encoded
from genzoo_serve.jobs import Event, Job, OnTheWay, send
from genzoo_serve.metrics import BATCHES, PICTURES
from genzoo_serve.turns import Turns

PAUSE = 0.05
"""Most time that a batch waits for further requests, as a share of the time of the last batch."""


class AbandonedError(Exception):
    """Every client of a batch has gone."""


@dataclass(frozen=True)
class Settings:
    """How workers work: a batch has at most `batch` pictures, and waits at most `linger` seconds
    for further requests before it begins.
    """

    device: str
    precision: Precision
    batch: int
    linger: float


class Worker:
    """Makes the pictures of the model `name`, which is opened by `reference`.

    `turns` are shared by the workers of a device; `on_change` is called when it opens or is idle.

    Attributes:
        size: Bytes that the model takes; 0 before it is open.
        used: When it last got a job, by `time.monotonic`.
    """

    def __init__(
        self,
        zoo: Zoo,
        name: str,
        reference: str,
        settings: Settings,
        turns: Turns,
        on_change: Callable[[], None],
    ) -> None:
        self.name, self.size, self.used = name, 0, time.monotonic()
        self._zoo, self._reference, self._settings = zoo, reference, settings
        self._turns, self._on_change = turns, on_change
        self._opened: Opened | None = None
        self._last: Plan | None = None  # most requests are like the one before
        self._jobs: deque[Job] = deque()
        self._batch: list[Job] = []  # under way
        # Clients that the last batch left waiting or answered, and seconds to wait for them.
        self._clients, self._pause = 0, 0.0
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

    def cancel(self, job: Job) -> None:
        """Take out a job whose client has gone; one that is under way ends after its step."""
        job.cancelled = True
        with self._changed:
            waiting = job not in self._batch
        if waiting:
            self._end(job, None)

    def close_idle(self) -> bool:
        """Close if nothing waits or is under way; whether it does."""
        with self._changed:
            self._closing = self._closing or not self._jobs
            self._changed.notify()
            return self._closing

    def close(self) -> None:
        """Let the thread end when its jobs are done, and forget the model."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._wait()) is not None:
            try:
                self._serve(job)
            except AbandonedError:
                pass
            except Exception as error:
                self._end(job, error)
            if not self._jobs:
                self._on_change()
        self._opened = self._last = None

    def _wait(self) -> Job | None:
        """Wait for the first job; None where there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closing)
            return self._jobs[0] if self._jobs else None

    def _serve(self, first: Job) -> None:
        """One batch with the first job in it; or that job alone, or nothing if it is gone."""
        opened = self._opened or self._open()
        if first.look is not None:
            self._end(first, first.look(opened), None)
            return
        for job in self._gather():
            if job.plan is None and job.look is None:
                self._plan(job, opened)
        with self._changed:
            self._batch = self._group(first)
        if not self._batch:
            return
        begin = time.monotonic()
        try:
            if _plan_of(first).group is None:
                self._serve_alone(first, opened)
            else:
                self._serve_together(self._batch, opened)
        finally:
            self._pause = min(self._settings.linger, PAUSE * (time.monotonic() - begin))
            batch, self._batch = self._batch, []
            for job in batch:
                if job.cancelled:
                    self._end(job, None)

    def _gather(self) -> list[Job]:
        """The jobs that wait, once they fill a batch or as many clients are back as there were."""
        until = time.monotonic() + self._pause
        with self._changed:
            while len(self._jobs) < self._clients and not self._closing:
                full = sum(job.left for job in self._jobs) >= self._settings.batch
                if full or not self._changed.wait(until - time.monotonic()):
                    break
            return list(self._jobs)

    def _group(self, first: Job) -> list[Job]:
        """The first job, and those that can share its batch; none where it is gone."""
        if first not in self._jobs or first.plan is None:
            return []
        group = first.plan.group
        if group is None or first.apart:
            return [first]
        jobs = [job for job in self._jobs if job.plan and job.plan.group == group]
        return [job for job in jobs if not job.apart][: self._settings.batch]

    def _open(self) -> Opened:
        with self._turns:
            opened = self._opened = self._zoo.open(
                self._reference,
                device=self._settings.device,
                precision=self._settings.precision,
            )
        tensors = (*opened.module.parameters(), *opened.module.buffers())
        self.size = sum(tensor.nbytes for tensor in tensors)
        self._on_change()
        return opened

    def _plan(self, job: Job, opened: Opened) -> None:
        job.request = replace(job.request, device=self._settings.device)
        try:
            job.plan = self._last = self._zoo.plan(job.request, opened, self._last)
        except Exception as error:  # its own fault, and not that of who is first
            self._end(job, error)

    def _serve_alone(self, job: Job, opened: Opened) -> None:
        def watch(*_: float) -> None:
            if job.cancelled:
                raise AbandonedError

        made: Pictures | Latents
        with self._turns:
            if job.request.encode:
                made = self._zoo.encode(job.request, opened)
            else:
                made = self._zoo.generate(job.request, opened=opened, on_progress=watch)
        self._clients = len(self._jobs)
        self._end(job, made, None)

    def _serve_together(self, group: list[Job], opened: Opened) -> None:
        """A batch with a fair share of each job of a group."""
        share = max(1, self._settings.batch // len(group))
        counts = [min(share, job.left) for job in group]
        for index, job in enumerate(group):  # what others leave
            counts[index] += min(job.left - counts[index], self._settings.batch - sum(counts))
        parts = [
            Part(_plan_of(job), job.done, job.done + n)
            for job, n in zip(group, counts, strict=True)
        ]
        for part in parts:
            if part.start == 0:
                self._zoo.call_hook("genzoo_before_run", record=part.plan.record)
        try:
            watch = _Watch(group, counts, None if opened.format else self._turns)
            with self._turns:
                made = self._zoo.make_together(parts, watch)
        except Exception as error:
            if len(group) == 1 or isinstance(error, AbandonedError):
                raise
            for job in group:  # one of them is the cause: each is tried by itself
                job.apart = True
            return
        BATCHES.labels(self.name).observe(sum(counts))
        PICTURES.labels(self.name).inc(sum(counts))
        self._clients = len(self._jobs)
        events: list[tuple[Job, Event]] = []
        for job, part, pictures in zip(group, parts, made, strict=True):
            self._zoo.call_hook("genzoo_after_run", record=pictures.record, pictures=pictures)
            job.done = part.stop
            events.append((job, pictures))
            if job.done < part.plan.count:
                with self._changed:  # what is large waits for the others
                    self._jobs.remove(job)
                    self._jobs.append(job)
            elif self._take_out(job):
                events.append((job, None))
        send(events)

    def _end(self, job: Job, *events: Event) -> None:
        """The last events of a job; none where it was taken out already."""
        if self._take_out(job):
            send([(job, event) for event in events])

    def _take_out(self, job: Job) -> bool:
        """Take a job out of the queue; whether it was there."""
        with self._changed:
            if found := job in self._jobs:
                self._jobs.remove(job)
            return found


def _plan_of(job: Job) -> Plan:
    assert job.plan is not None
    return job.plan


class _Watch:
    """Called after each step of a batch: sends pictures on the way, and ends it if all are gone."""

    def __init__(self, jobs: list[Job], counts: list[int], turns: Turns | None) -> None:
        self._jobs, self._counts, self._turns = jobs, counts, turns

    def __call__(self, step: int, total: int, x: Tensor) -> None:
        if all(job.cancelled for job in self._jobs):
            raise AbandonedError
        events: list[tuple[Job, Event]] = []
        first = 0
        for job, count in zip(self._jobs, self._counts, strict=True):
            number = _shown_at(step, total, job.partials)
            if number is not None:
                for index, picture in enumerate(x[first : first + count], job.done):
                    events.append((job, OnTheWay(encoded(picture), index, number)))
            first += count
        if events:
            send(events)
        if self._turns is not None:
            self._turns.pass_on()


def _shown_at(step: int, total: int, partials: int) -> int | None:
    """The number of the picture on the way that a step gives, evenly spaced; None for none."""
    for number in range(partials):
        if step == max(1, round(total * (number + 1) / (partials + 1))) and step < total:
            return number
    return None
