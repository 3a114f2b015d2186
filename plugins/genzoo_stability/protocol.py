"""The training-stability protocol, whole."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.zoo import Zoo
from genzoo_stability.claims import judge_claims
from genzoo_stability.judge import Judge, examine, floor
from genzoo_stability.plan import (
    Run,
    Settings,
    Variant,
    interleave,
    overrides,
    plan_runs,
)
from genzoo_stability.results import Row, StabilityResults, Starved
from genzoo_stability.starving import LOSSES, Experiment
from genzoo_stability.stepping import steps_per_second
from genzoo_stability.store import Store
from genzoo_stability.summary import summarize
from genzoo_stability.trainings import carry_out
from genzoo_train.api import DivergedError, TrainingProcess

REHEARSAL = 0.1
"""Share of a training's seconds that its recipe is rehearsed for; at most `LONGEST`."""

LONGEST = 10.0


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: the unit in which time is counted here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Protocol:
    """Trains, measures and concludes; goes on where it was interrupted.

    Args:
        zoo: The registry.
        settings: What all trainings have in common.
        variants: What is trained.
        store: Where results are kept.
        judge: Measures the checkpoints.
        data: Folder that holds the dataset; None for the Hub.
        tell: Told of the course.
    """

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

        Args:
            jobs: Trainings at a time.
            command: That measures it again, for the results.

        Raises:
            TrainingError: A training ended for a reason that is not its own.
            GenzooError: A clear one for each other thing that can be wrong.
        """
        with one_thread():
            real = self._store.kept(
                "floor",
                dict[str, float],
                lambda: floor(self._judge, self.train_images, self._settings.n),
            )
            self._train(jobs)
            starving = self._starve()
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

    def _train(self, jobs: int) -> None:
        plans = {
            name: plan_runs(name, steps, self._settings) for name, steps in self._steps().items()
        }
        runs = interleave([plans[name] for name in self._variants])
        total = sum(len(run.marks) for run in runs)

        def begin(run: Run, mark: int) -> TrainingProcess:
            return TrainingProcess(
                self._variants[run.variant].recipe,
                self._store.runs / run.name,
                max_steps=mark,
                changes=overrides(run, self._recipes[run.variant]),
                data=self._data,
            )

        def measure(run: Run, mark: int, training: TrainingProcess) -> Row:
            row = self._measure(run, mark, training)
            self._store.add(row)
            done = sum(row.variant in self._variants for row in self._store.rows) + 1
            self._tell(f"{done}/{total}  {_told(row)}")
            return row

        carry_out(runs, self._store.rows, jobs, begin, measure)

    def _steps(self) -> dict[str, int]:
        """Steps of each variant's trainings: as many as fit into the time."""
        known = self._store.steps()
        missing = {n: recipe for n, recipe in self._recipes.items() if n not in known}
        if missing:
            self._tell(f"counting the steps per second of {', '.join(missing)}")
            seconds = min(LONGEST, REHEARSAL * self._settings.seconds)
            rates = steps_per_second(self._zoo, missing, self.train_images, seconds)
            known |= {
                name: max(len(self._settings.checkpoints), round(rate * self._settings.seconds))
                for name, rate in rates.items()
            }
            self._store.write("steps", known)
        return {name: known[name] for name in self._variants}

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
        """The experiment on discriminators that are too good, where both GANs are measured."""
        if not {"gan", "gan-classic"} <= set(self._variants):
            return ()
        return self._store.kept("starving", tuple[Starved, ...], self._experiment)

    def _experiment(self) -> tuple[Starved, ...]:
        settings = self._settings
        self._tell("training discriminators alone")
        experiment = Experiment(
            self._zoo,
            classic=self._recipes["gan-classic"],
            modern=self._recipes["gan"],
            images=self.train_images,
            pretraining=settings.pretraining,
            steps=settings.starving,
        )
        weights = experiment.generator()
        return tuple(
            starved
            for seed in range(settings.starving_seeds)
            for loss in LOSSES
            for starved in experiment.run(weights, loss, seed)
        )


def _told(row: Row) -> str:
    where = f"{row.run} at step {row.step}/{row.total}"
    if row.failed is not None:
        return f"{where}: {row.failed}"
    return where + "".join(f"  {key} {value:.3g}" for key, value in row.figures.items())
