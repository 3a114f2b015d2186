"""Many trainings in processes of their own, some at a time, from one checkpoint to the next."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from genzoo_stability.plan import Run
from genzoo_stability.results import Row
from genzoo_train.api import TrainingProcess, stop_all

PAUSE = 0.05
"""Seconds between two looks at which trainings have ended."""


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
    begin: Callable[[Run, int], TrainingProcess],
    measure: Callable[[Run, int, TrainingProcess], Row],
) -> None:
    """Train and measure what is missing.

    One training waits for its measurement while the others go on.

    Args:
        runs: The trainings, in the order in which they begin.
        rows: What is measured; grows.
        jobs: Trainings at a time.
        begin: Begins the training of a run up to a checkpoint.
        measure: Measures that checkpoint once the training has ended.
    """
    waiting = deque((run, mark) for run in runs if (mark := next_mark(run, rows)) is not None)
    running: dict[TrainingProcess, tuple[Run, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                run, mark = waiting.popleft()
                running[begin(run, mark)] = run, mark
            training = next((training for training in running if training.ended), None)
            if training is None:
                time.sleep(PAUSE)
                continue
            run, mark = running[training]
            rows.append(measure(run, mark, training))
            del running[training]
            if (mark_after := next_mark(run, rows)) is not None:
                waiting.appendleft((run, mark_after))
    finally:
        stop_all(running)
