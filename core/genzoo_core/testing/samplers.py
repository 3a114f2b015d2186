"""From noise to data: what `Sampler` promises, tried with exact denoisers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.rng import SampleRng
from genzoo_core.sampler import Sampler, StepDone, Trajectory
from genzoo_core.testing.case import Case
from genzoo_core.testing.comparing import alone, counted, equal, relative_error, same, well_formed
from genzoo_core.testing.randomness import own_chance
from genzoo_core.testing.report import Recorder, problem


class Circle(ScheduledNoiser):
    """A variance-preserving path: alpha = cos, sigma = sin; t = 1 keeps a trace of signal."""

    prediction = "v"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        angle = t * (0.99 * torch.pi / 2)
        return angle.cos(), angle.sin()


class Line(ScheduledNoiser):
    """The path of a rectified flow: alpha = 1 - t, sigma = t."""

    prediction = "flow"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t


class Growing(ScheduledNoiser):
    """A variance-exploding path, scaled to unit size: sigma / alpha from 0 to 50."""

    prediction = "x0"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        level = (t * 3.9318).expm1()
        alpha = (1 + level.square()).rsqrt()
        return alpha, level * alpha


@dataclass(frozen=True)
class NormalData:
    """Data of independent normal numbers; with a deviation of 0, a constant."""

    noiser: ScheduledNoiser
    mean: Tensor
    std: float

    def __call__(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The exact expectation of the data and of the noise in x: a `Denoise`."""
        alpha, sigma = (scale.to(x) for scale in self.noiser.scales(t, x))
        variance = ((alpha * self.std) ** 2 + sigma**2).clamp_min(1e-12)
        gap = x - alpha * self.mean
        x0 = self.mean + alpha * self.std**2 / variance * gap
        return x0, sigma / variance * gap


SEEDS = (3, 4, 5)
SIZE = 4096
FEW, MANY = 6, 100
MEAN, STD = 0.4, 0.5


@dataclass(frozen=True)
class Trial:
    """A sampler on a noiser that it says it fits."""

    sampler: Sampler
    noiser: ScheduledNoiser

    def run(
        self,
        data: NormalData | None = None,
        seeds: Sequence[int] = SEEDS,
        steps: int = FEW,
        step_done: StepDone | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Data from noise, `[len(seeds), SIZE]`; by default normal data from the seeds' noise."""
        data = data or NormalData(self.noiser, torch.tensor(MEAN), STD)
        rng, grid = SampleRng(seeds), self.noiser.grid(steps)
        if noise is None:
            noise = self.noiser.prior(rng, (SIZE,), torch.empty(0))
        with torch.inference_mode():
            return self.sampler(Trajectory(data, self.noiser, grid, rng, step_done), noise)


def check_sampler_component(record: Recorder, case: Case, sampler: Sampler) -> None:
    fitting: list[ScheduledNoiser] = []

    def fits() -> Iterator[str]:
        choices: list[ScheduledNoiser] = [Circle(), Line(), Growing()]
        if (own := case.noiser) is not None:
            choices = [case.zoo.component("noiser", own.component, own.config)]
        fitting.extend(noiser for noiser in choices if sampler.fits(noiser))
        if not fitting:
            found = "none of " + ", ".join(type(noiser).__name__ for noiser in choices)
            yield problem("a noiser that it fits", found, "give one that it does: noiser={…}")

    record.check("it fits a noiser", fits)
    for noiser in fitting:
        trial, where = Trial(sampler, noiser), f" ({type(noiser).__name__})"
        if not record.check(f"data has the form of the noise{where}", form, trial):
            continue
        record.check(f"exact predictions lead to the data{where}", exact, trial)
        record.check(f"a sample does not depend on its batch{where}", batches, trial)
        mend = "draw every number from `path.rng`"
        record.check(f"all chance comes from the rng{where}", own_chance, trial.run, "data", mend)
        record.check(f"step_done is called at each step{where}", steps_done, trial)


def form(trial: Trial) -> Iterator[str]:
    for steps in (1, 2, FEW):
        found = trial.run(steps=steps)
        if not (yield from well_formed(found, (len(SEEDS), SIZE), f"data after {steps} steps")):
            return
    noise = trial.noiser.prior(SampleRng(SEEDS), (SIZE,), torch.empty(0))
    before = noise.clone()
    trial.run(noise=noise)
    if not torch.equal(noise, before):
        yield problem("the noise that was passed in unchanged", "other numbers", "work on a copy")


def exact(trial: Trial) -> Iterator[str]:
    """What is wrong with the data: a constant must be found, and a normal's mean and deviation."""
    constant = torch.linspace(-1, 1, SIZE)
    for steps in (1, FEW):
        found = trial.run(NormalData(trial.noiser, constant, 0.0), steps=steps)
        error = max(relative_error(row, constant) for row in found)
        if not error <= 0.02:
            mend = "end where the grid does, at data: divide by alpha there"
            what = f"the one picture that there is, after {steps} steps"
            yield problem(what, f"an error of {error:.2g}", mend)
            return
    data = trial.run(steps=MANY)
    for name, value, expected in (
        ("mean", float(data.mean()), MEAN),
        ("deviation", float(data.std(1).mean()), STD),
    ):
        if not abs(value - expected) <= 0.1 * STD:
            mend = "check the size of a step, and of the noise that it adds"
            yield problem(f"data of {name} {expected:g} after {MANY} steps", f"{value:.3g}", mend)


def batches(trial: Trial) -> Iterator[str]:
    together = trial.run()
    mend = "store what is remembered between steps in local variables"
    yield from equal(trial.run(), together, "the same data from the same seeds", mend)
    mend = "draw path.rng.normal(x.shape[1:], x), and use no statistics over the batch"
    yield from alone("sample", together, lambda i: trial.run(seeds=SEEDS[i : i + 1])[0], mend)


def steps_done(trial: Trial) -> Iterator[str]:
    calls: list[tuple[int, int, Tensor]] = []
    found = trial.run(step_done=lambda step, total, x0: calls.append((step, total, x0)))
    if not same(found, trial.run()):
        mend = "only call it"
        yield problem("the same data with step_done as without", "other data", mend)
    yield from counted(calls, FEW, "call path.done(i, x0) once a step, with i from 0")
    for _, _, x0 in calls[:1]:
        yield from well_formed(x0, (len(SEEDS), SIZE), "the data that step_done gets")
