"""How the sampler of a diffusion model is found."""

from __future__ import annotations

from typing import cast

from genzoo_core import ConfigError, Context, GenzooError, Sampler, ScheduledNoiser
from genzoo_core.errors import UsageError, did_you_mean


def find_sampler(
    context: Context, noiser: ScheduledNoiser, name: str, eta: float | None
) -> Sampler:
    """The sampler of a name.

    Args:
        context: Where samplers are found.
        noiser: What it must fit.
        name: Its name, bare or `distribution/name`.
        eta: Its option of that name; None where it is not given.

    Raises:
        UsageError: No such sampler, one that does not fit, or one without `eta`; names those
            that will do.
    """
    try:
        sampler: Sampler = context.component("sampler", name, {})
    except ConfigError as error:
        fitting = fitting_samplers(context, noiser)
        close = did_you_mean(name, fitting)
        raise UsageError(
            f"no sampler {name[:80]!a}; this model can use {listed(fitting)}", close
        ) from error
    if not sampler.fits(noiser):
        fitting = fitting_samplers(context, noiser)
        raise UsageError(
            f"sampler {name} does not fit how this model was trained", f"use {listed(fitting)}"
        )
    if eta is None:
        return sampler
    if not takes_eta(sampler):
        able = [
            other
            for other in fitting_samplers(context, noiser)
            if takes_eta(context.component("sampler", other, {}))
        ]
        raise UsageError(f"sampler {name} has no eta", f"leave it out, or use {listed(able)}")
    return cast(Sampler, context.component("sampler", name, {"eta": eta}))


def fitting_samplers(context: Context, noiser: ScheduledNoiser) -> list[str]:
    """Names of the samplers that can be built and fit."""
    fitting = []
    for name in context.names("sampler"):
        try:
            sampler: Sampler = context.component("sampler", name, {})
        except GenzooError:  # a broken plugin must not hide the sound ones
            continue
        if sampler.fits(noiser):
            fitting.append(name)
    return fitting


def takes_eta(sampler: Sampler) -> bool:
    """Whether the sampler has the option eta."""
    return "eta" in sampler.Config.__struct_fields__


def listed(names: list[str]) -> str:
    """Names in words."""
    return ", ".join(names) or "none that is installed"
