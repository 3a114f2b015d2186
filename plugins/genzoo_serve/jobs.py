"""What one client waits for, between the server's threads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genzoo_core import Latents, Opened, Pictures, Request
from genzoo_core.zoo import Plan


@dataclass(frozen=True)
class OnTheWay:
    """A job's picture `index` before it is finished; `number` counts such from 0."""

    png: bytes
    index: int
    number: int


Facts = dict[str, Any]
"""What was read of an open model."""
Event = Pictures | OnTheWay | Latents | Facts | Exception | None
"""What becomes of a job; None is the last one."""


@dataclass(eq=False)
class Job:
    """A request of a client, who waits in `loop`.

    Attributes:
        partials: How many times each picture is shown on its way.
        look: Reads facts of the open model; no pictures are made then.
        plan: The request, once the model is open; None before.
        done: How many of its pictures are made or being made.
        cancelled: Whether the client has gone.
        apart: Whether it shares no batch, since one that it was part of failed.
        on_end: Called in `loop`, after the last event.
    """

    request: Request
    partials: int = 0
    look: Callable[[Opened], Facts] | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    plan: Plan | None = None
    done: int = 0
    cancelled: bool = False
    apart: bool = False
    on_end: Callable[[], None] = lambda: None
    _events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    @property
    def left(self) -> int:
        """How many of its pictures are still to be made."""
        count = (self.request.n or 1) if self.plan is None else self.plan.count
        return count - self.done

    def put(self, event: Event) -> None:
        """Called in `loop`, by `send`."""
        self._events.put_nowait(event)
        if event is None or isinstance(event, Exception):
            self.on_end()

    async def next(self) -> Pictures | OnTheWay | Latents | Facts | None:
        """The next event, None at the end; raises what the job ended with."""
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        return event


def send(events: Sequence[tuple[Job, Event]]) -> None:
    """Send events to the clients of jobs, from any thread; all at once, for each call wakes them.

    None or an exception is the last event of a job.
    """

    def put() -> None:
        for job, event in events:
            job.put(event)

    with contextlib.suppress(RuntimeError):  # the server has ended
        events[0][0].loop.call_soon_threadsafe(put)
