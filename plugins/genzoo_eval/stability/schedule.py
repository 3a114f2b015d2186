"""Many trainings, some at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from genzoo_eval.stability.plan import Run
from genzoo_eval.stability.results import Row
from genzoo_eval.stability.training import Leg, stop

PAUSE = 0.05
"""Seconds between two looks at who is done."""


def next_mark(run: Run, rows: Collection[Row]) -> int | None:
    """The next checkpoint of a run to be measured; None where it came to its end."""
    own = [row for row in rows if row.run == run.name]
    if any(row.failed is not None for row in own):
        return None
    measured = {row.step for row in own}
    return next((mark for mark in run.marks if mark not in measured), None)


def carry_out(
    runs: Sequence[Run],
    rows: list[Row],
    jobs: int,
    begin: Callable[[Run, int], Leg],
    measure: Callable[[Leg], Row],
) -> None:
    """Train and measure what is missing.

    One training waits for its measurement while the others go on.

    Args:
        runs: The trainings, in the order in which they begin.
        rows: What is measured; grows.
        jobs: Trainings at a time.
        begin: Begins the leg of a run to a checkpoint.
        measure: Measures the checkpoint at the end of a leg.
    """
    waiting = deque((run, mark) for run in runs if (mark := next_mark(run, rows)) is not None)
    legs: list[Leg] = []
    try:
        while waiting or legs:
            while waiting and len(legs) < jobs:
                legs.append(begin(*waiting.popleft()))
            done = next((leg for leg in legs if leg.ended), None)
            if done is None:
                time.sleep(PAUSE)
                continue
            rows.append(measure(done))
            legs.remove(done)
            if (mark := next_mark(done.run, rows)) is not None:
                waiting.appendleft((done.run, mark))
    finally:
        stop(legs)
