"""From noise to data: what `Sampler` promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.rng import SampleRng
from genzoo_core.sampler import Sampler, StepDone, Trajectory
from genzoo_core.testing.case import Case
from genzoo_core.testing.comparing import relative_error, same, well_formed
from genzoo_core.testing.exact import NormalData, noisers
from genzoo_core.testing.noisers import component
from genzoo_core.testing.randomness import reseeded, untouched
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.strictness import strict_struct

SEEDS = (3, 4, 5)
SIZE = 4096
FEW, MANY = 6, 100
MEAN, STD = 0.4, 0.5


@dataclass(frozen=True)
class Trial:
    """A sampler on one noiser.

    Attributes:
        sampler: The sampler.
        noiser: One that it says it fits.
    """

    sampler: Sampler
    noiser: ScheduledNoiser

    def run(
        self,
        data: NormalData,
        seeds: Sequence[int] = SEEDS,
        steps: int = FEW,
        step_done: StepDone | None = None,
    ) -> Tensor:
        """Data from noise, `[len(seeds), SIZE]`."""
        rng = SampleRng(seeds)
        like = torch.empty(0)
        x = self.noiser.prior(rng, (SIZE,), like)
        grid = self.noiser.grid(steps)
        with torch.inference_mode():
            path = Trajectory(data.denoiser(), self.noiser, grid, rng, step_done)
            return self.sampler(path, x)

    def normal(self) -> NormalData:
        """Normal data of known mean and deviation."""
        return NormalData(self.noiser, torch.tensor(MEAN), STD)


def check_sampler_component(record: Recorder, case: Case) -> None:
    """Run all checks of a component of kind "sampler"."""
    sampler = component(record, case)
    if sampler is None:
        return
    record.check("its config is strict and frozen", lambda: strict_struct(type(sampler), "Config"))
    fitting: list[ScheduledNoiser] = []

    def fits() -> Iterator[str]:
        known = list(noisers())
        if case.noiser is not None:
            given = case.noiser
            known = [case.zoo.component("noiser", given.component, given.config)]
        fitting.extend(noiser for noiser in known if sampler.fits(noiser))
        if not fitting:
            found = "none of " + ", ".join(type(noiser).__name__ for noiser in known)
            yield problem("a noiser that it fits", found, "give one that it does: noiser={…}")

    record.check("it fits a noiser", fits)
    for noiser in fitting:
        trial, where = Trial(sampler, noiser), f" ({type(noiser).__name__})"
        if not record.check(f"data has the form of the noise{where}", partial(form, trial)):
            continue
        record.check(f"exact predictions lead to the data{where}", partial(exact, trial))
        record.check(f"a sample does not depend on its batch{where}", partial(alone, trial))
        record.check(f"all chance comes from the rng{where}", partial(own_chance, trial))
        record.check(f"step_done is told of each step{where}", partial(told, trial))


def form(trial: Trial) -> Iterator[str]:
    """Shape and finiteness, with one step and with several; the noise is left as it is."""
    for steps in (1, 2, FEW):
        found = trial.run(trial.normal(), steps=steps)
        faults = list(well_formed(found, (len(SEEDS), SIZE), f"data after {steps} steps"))
        yield from faults
        if faults:
            return
    noise = trial.noiser.prior(SampleRng(SEEDS), (SIZE,), torch.empty(0))
    kept = noise.clone()
    with torch.inference_mode():
        denoise = trial.normal().denoiser()
        grid = trial.noiser.grid(FEW)
        trial.sampler(Trajectory(denoise, trial.noiser, grid, SampleRng(SEEDS)), noise)
    if not torch.equal(noise, kept):
        yield problem("the noise that was given as it was", "other numbers", "work on a copy")


def exact(trial: Trial) -> Iterator[str]:
    """A constant is found, and normal data has its mean and deviation."""
    constant = torch.linspace(-1, 1, SIZE)
    for steps in (1, FEW):
        found = trial.run(NormalData(trial.noiser, constant, 0.0), steps=steps)
        error = max(relative_error(row, constant) for row in found)
        if not error <= 0.02:
            mend = "end where the grid does, at data: divide by alpha there"
            expected = f"the one picture that there is, after {steps} steps"
            yield problem(expected, f"an error of {error:.2g}", mend)
            return
    data = trial.run(trial.normal(), steps=MANY)
    for name, value, known in (
        ("mean", float(data.mean()), MEAN),
        ("deviation", float(data.std(1).mean()), STD),
    ):
        if not abs(value - known) <= 0.1 * STD:
            mend = "check the size of a step, and of the noise that it adds"
            wanted = f"data of {name} {known:g} after {MANY} steps"
            yield problem(wanted, f"{value:.3g}", mend)


def alone(trial: Trial) -> Iterator[str]:
    """A sample is the same alone and in a batch, and each time."""
    together = trial.run(trial.normal())
    again = trial.run(trial.normal())
    if not same(again, together):
        mend = "keep what is remembered between steps in local variables"
        yield problem("the same data from the same seeds", "other data", mend)
    for i, seed in enumerate(SEEDS):
        single = trial.run(trial.normal(), [seed])[0]
        if not same(single, together[i]):
            found = f"one that differs by {relative_error(single, together[i]):.2g}"
            mend = "draw path.rng.normal(x.shape[1:], x), and use no statistics over the batch"
            yield problem(f"sample {i} of a batch as it is alone", found, mend)
            return


def own_chance(trial: Trial) -> Iterator[str]:
    """No global generator is used, nor changes what comes out."""
    found: list[str] = []
    with untouched(found):
        trial.run(trial.normal())
    yield from found
    drawn = []
    for seed in (1, 2):
        with reseeded(seed):
            drawn.append(trial.run(trial.normal()))
    if not found and not same(drawn[1], drawn[0]):
        mend = "draw every number from `path.rng`"
        yield problem("data of `rng` alone", "data that depends on a global seed", mend)


def told(trial: Trial) -> Iterator[str]:
    """What `step_done` is told."""
    calls: list[tuple[int, int, Tensor]] = []
    data = trial.normal()
    with_it = trial.run(data, step_done=lambda step, total, x0: calls.append((step, total, x0)))
    if not same(with_it, trial.run(data)):
        yield problem("the same data with step_done as without", "other data", "only tell it")
    counts = [(step, total) for step, total, _ in calls]
    if counts != [(i + 1, FEW) for i in range(FEW)]:
        found = ", ".join(f"{step} of {total}" for step, total in counts[:4]) or "none"
        mend = "call path.done(i, x0) once a step, with i from 0"
        yield problem(f"calls with 1 to {FEW} of {FEW}", found, mend)
    for _, _, x0 in calls[:1]:
        yield from well_formed(x0, (len(SEEDS), SIZE), "the data that step_done is told")
