"""The training-stability protocol, whole."""

from __future__ import annotations

import platform
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.devices import threads
from genzoo_core.zoo import Zoo
from genzoo_stability.claims import judge_claims
from genzoo_stability.judge import Judge, examine
from genzoo_stability.plan import Run, Settings, Variant, next_mark, overrides, plan_runs
from genzoo_stability.results import Row, StabilityResults, Starved
from genzoo_stability.starving import starve
from genzoo_stability.stepping import steps_per_second
from genzoo_stability.store import Store
from genzoo_stability.summary import summarize
from genzoo_train.api import DivergedError, TrainingProcess, stop_all

REHEARSAL = 0.1
"""Share of a training's seconds in which the steps of its recipe are counted."""

LONGEST = 10.0
"""Most seconds of that."""

PAUSE = 0.05
"""Seconds between two looks at which trainings have ended."""


class Protocol:
    """Trains, measures and judges the claims; goes on where it was interrupted."""

    def __init__(
        self,
        zoo: Zoo,
        settings: Settings,
        variants: Sequence[Variant],
        *,
        store: Store,
        judge: Judge,
        data: Path | None,
        tell: Callable[[str], None],
    ) -> None:
        self._zoo, self._settings, self._store = zoo, settings, store
        self._judge, self._data, self._tell = judge, data, tell
        self._variants = {variant.name: variant for variant in variants}
        self._recipes = {v.name: zoo.recipe(str(v.recipe)) for v in variants}

    @cached_property
    def train_images(self) -> Tensor:
        """The training images, uint8 `[N, C, H, W]`."""
        self._tell("reading the training images")
        return self._zoo.dataset(next(iter(self._recipes.values())).data, self._data).images

    def run(self, jobs: int, command: str = "") -> StabilityResults:
        """Carry it out, or what is left of it.

        Raises:
            TrainingError: A training ended for a reason that does not lie in the training.
            GenzooError: Data or models cannot be read, or a model cannot be run.
        """
        with threads(1):  # times are CPU seconds of one thread
            real = self._store.cached("floor", dict[str, float], self._floor)
            self._train(jobs)
            starving: tuple[Starved, ...] = ()
            if {"gan", "gan-classic"} <= set(self._variants):
                starving = self._store.cached("starving", tuple[Starved, ...], self._starve)
        rows = tuple(row for row in self._store.rows if row.variant in self._variants)
        summaries = tuple(
            summarize(variant, [row for row in rows if row.variant == name])
            for name, variant in self._variants.items()
        )
        return StabilityResults(
            dataset=self._settings.dataset,
            seconds=self._settings.seconds,
            n=self._settings.n,
            judge=self._settings.judge,
            judge_sha256=self._settings.judge_sha256,
            floor=real,
            summaries=summaries,
            claims=judge_claims(summaries, real, starving),
            starving=starving,
            rows=rows,
            command=command,
            versions={"python": platform.python_version(), "torch": str(torch.__version__)},
        )

    def _floor(self) -> dict[str, float]:
        """The figures of training images: real images used as a baseline."""
        generator = torch.Generator().manual_seed(0)
        rows = torch.randperm(len(self.train_images), generator=generator)[: self._settings.n]
        return self._judge.figures(self.train_images[rows])

    def _train(self, jobs: int) -> None:
        """Train and measure what is missing; a training waits while it is measured."""
        plans = [plan_runs(n, steps, self._settings) for n, steps in self._steps().items()]
        # By turns, so that what is interrupted has some of each variant.
        runs, rows = [run for turn in zip(*plans, strict=True) for run in turn], self._store.rows
        total = sum(len(run.marks) for run in runs)
        waiting = deque((run, mark) for run in runs if (mark := next_mark(run, rows)) is not None)
        running: dict[TrainingProcess, tuple[Run, int]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    run, mark = waiting.popleft()
                    running[self._begin(run, mark)] = run, mark
                training = next((training for training in running if training.ended), None)
                if training is None:
                    time.sleep(PAUSE)
                    continue
                run, mark = running[training]
                row = self._measure(run, mark, training)
                self._store.add(row)
                del running[training]
                done = sum(row.variant in self._variants for row in rows)
                self._tell(f"{done}/{total}  {_line(row)}")
                if (following := next_mark(run, rows)) is not None:
                    waiting.appendleft((run, following))
        finally:
            stop_all(running)

    def _begin(self, run: Run, mark: int) -> TrainingProcess:
        recipe = self._variants[run.variant].recipe
        changes = overrides(run, self._recipes[run.variant])
        out = self._store.runs / run.name
        return TrainingProcess(recipe, out, max_steps=mark, changes=changes, data=self._data)

    def _steps(self) -> dict[str, int]:
        """Steps of each variant's trainings: as many as fit into the time."""
        steps = self._store.steps()
        missing = {n: recipe for n, recipe in self._recipes.items() if n not in steps}
        if missing:
            self._tell(f"counting the steps per second of {', '.join(missing)}")
            seconds = min(LONGEST, REHEARSAL * self._settings.seconds)
            rates = steps_per_second(self._zoo, missing, self.train_images, seconds)
            steps |= {
                name: max(len(self._settings.checkpoints), round(rate * self._settings.seconds))
                for name, rate in rates.items()
            }
            self._store.write("steps", steps)
        return {name: steps[name] for name in self._variants}

    def _measure(self, run: Run, mark: int, training: TrainingProcess) -> Row:
        options, judge, n = self._variants[run.variant].options, self._judge, self._settings.n
        figures, failed = dict[str, float](), None
        try:
            figures = examine(self._zoo, training.weights(), options, judge, n)
        except DivergedError as error:
            failed = str(error)
        return Row(
            run=run.name,
            variant=run.variant,
            rate=run.rate,
            seed=run.seed,
            step=mark,
            total=run.total,
            figures=figures,
            failed=failed,
        )

    def _starve(self) -> tuple[Starved, ...]:
        """The experiment on discriminators that are too good."""
        self._tell("training discriminators alone")
        return tuple(
            starve(
                self._zoo,
                self._recipes["gan-classic"],
                self._recipes["gan"],
                self.train_images,
                pretraining=self._settings.pretraining,
                steps=self._settings.starving,
                seeds=range(self._settings.starving_seeds),
            )
        )


def _line(row: Row) -> str:
    where = f"{row.run} at step {row.step}/{row.total}"
    if row.failed is not None:
        return f"{where}: {row.failed}"
    return where + "".join(f"  {key} {value:.3g}" for key, value in row.figures.items())
