"""How noise enters: what `Noiser` and `ScheduledNoiser` promise."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genzoo_core.noiser import Noiser, ScheduledNoiser
from genzoo_core.testing.case import Case
from genzoo_core.testing.comparing import relative_error, well_formed
from genzoo_core.testing.randomness import by_row
from genzoo_core.testing.report import Recorder, problem

N = 5
SHAPE = (2, 3)
LEVELS = 33
TIME = "time 0 is data, time 1 is noise"


def check_noiser_component(record: Recorder, case: Case, noiser: Noiser) -> None:
    """Run all checks of a component of kind "noiser"."""
    record.check("its prior is drawn by each sample's own rng", prior, noiser)
    if not isinstance(noiser, ScheduledNoiser):
        record.check("perturb adds scaled noise", base, noiser)
        return
    for claim, check in (
        ("t goes from data at 0 to noise at 1", schedule),
        ("a grid falls from noise to data", grid),
        ("perturb mixes data and noise by the coefficients", mixture),
        ("split undoes target", inverse),
        ("training times, weights and embeddings are one number for each sample", numbers),
    ):
        record.check(claim, check, noiser)


def prior(noiser: Noiser) -> Iterator[str]:
    like = torch.empty(0)
    drawn = yield from by_row("prior of sample", lambda rng: noiser.prior(rng, SHAPE, like), N)
    formed = yield from well_formed(drawn, (N, *SHAPE), "the prior")
    if formed and torch.equal(drawn[0], drawn[1]):
        yield problem("other noise for other seeds", "the same", "draw from `rng`")


def base(noiser: Noiser) -> Iterator[str]:
    x, noise, std = _normal(0), _normal(1), _normal(2).abs()
    if relative_error(noiser.perturb(x, noise, std), x + std * noise) > 1e-6:
        mend = "subclass ScheduledNoiser for anything else"
        yield problem("perturb to give x + std * noise", "other numbers", mend)


def schedule(noiser: ScheduledNoiser) -> Iterator[str]:
    t = torch.linspace(0, 1, LEVELS)
    alpha, sigma = noiser.coefficients(t)
    formed = yield from well_formed(alpha, t.shape, "alpha")
    if not ((yield from well_formed(sigma, t.shape, "sigma")) and formed):
        return
    if bool((alpha < -1e-6).any()) or bool((sigma < -1e-6).any()):
        least = min(float(alpha.min()), float(sigma.min()))
        yield problem("alpha and sigma at least 0", f"{least:.3g}", "they are scales")
    share = sigma / (alpha + sigma)
    if bool((share.diff() < -1e-5).any()):
        worst = float(t[share.diff().argmin()])
        mend = "sigma / alpha rises with t"
        yield problem("more noise at a later time", f"less after t = {worst:.2f}", mend)
    if not float(share[0]) <= 0.1:
        found = f"a share of {float(share[0]):.2g} of noise"
        yield problem("nothing but data at t = 0", found, TIME)
    if not float(share[-1]) >= 0.9:
        found = f"a share of {float(1 - share[-1]):.2g} of data"
        yield problem("nothing but noise at t = 1", found, TIME)


def grid(noiser: ScheduledNoiser) -> Iterator[str]:
    for steps in (1, 2, 10):
        times = noiser.grid(steps)
        if not (yield from well_formed(times, (steps + 1,), f"grid({steps})")):
            return
        if bool((times.diff() >= 0).any()):
            mend = "go from 1 to 0: sampling removes noise"
            yield problem(f"grid({steps}) to fall", str(times.tolist()[:4]), mend)
        if float(times.max()) > 1 + 1e-6 or float(times.min()) < -1e-6:
            found = f"{float(times.min()):.3g} to {float(times.max()):.3g}"
            yield problem(f"grid({steps}) within [0, 1]", found, TIME)
        alpha, sigma = noiser.coefficients(times[[0, -1]])
        share = sigma / (alpha + sigma)
        if not (float(share[0]) >= 0.9 and float(share[1]) <= 0.1):
            found = f"shares of {float(share[0]):.2g} and {float(share[1]):.2g} of noise"
            yield problem(f"grid({steps}) from noise to data", found, "begin at 1, and end at 0")


def mixture(noiser: ScheduledNoiser) -> Iterator[str]:
    x, noise, t = _normal(0), _normal(1), _times(noiser)
    alpha, sigma = noiser.scales(t, x)
    found = noiser.perturb(x, noise, t)
    formed = yield from well_formed(found, x.shape, "x_t")
    if formed and relative_error(found, alpha * x + sigma * noise) > 1e-5:
        mend = "leave perturb to the base class, and change the coefficients"
        yield problem("perturb to give alpha x + sigma noise", "other numbers", mend)


def inverse(noiser: ScheduledNoiser) -> Iterator[str]:
    x, noise, t = _normal(0), _normal(1), _times(noiser)
    target = noiser.target(x, noise, t)
    if not (yield from well_formed(target, x.shape, "the target")):
        return
    pair = noiser.split(target, noiser.perturb(x, noise, t), t)
    for name, found, expected in (("data", pair[0], x), ("noise", pair[1], noise)):
        error = relative_error(found, expected)
        if not error <= 1e-4:
            mend = "solve target and x_t = alpha x0 + sigma noise for x0 and noise"
            yield problem(f"the {name} back from its target", f"an error of {error:.2g}", mend)


def numbers(noiser: ScheduledNoiser) -> Iterator[str]:
    like = torch.empty(0)
    t = yield from by_row("time of sample", lambda rng: noiser.sample_t(rng, like), N)
    if not (yield from well_formed(t, (N,), "training times")):
        return
    if bool((t < 0).any()) or bool((t > 1).any()):
        span = f"{float(t.min()):.3g} to {float(t.max()):.3g}"
        yield problem("training times in [0, 1]", span, TIME)
    times = _times(noiser).float()
    weight = noiser.weight(times)
    yield from well_formed(weight, times.shape, "weights")
    if bool((weight < 0).any()):
        yield problem("weights at least 0", f"{float(weight.min()):.3g}", "they weigh an error")
    yield from well_formed(noiser.embed(times), times.shape, "what embed gives")


def _normal(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N, *SHAPE, generator=generator, dtype=torch.float64)


def _times(noiser: ScheduledNoiser) -> Tensor:
    """Times at which sampling calls the network: the grid without its last time, the data."""
    times = noiser.grid(N)[:-1].double()
    # A faulty grid is found by a check of its own.
    return times if len(times) == N else torch.linspace(1, 0.1, N, dtype=torch.float64)
