"""What is sampled with, and from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genzoo_core import ConfigError, Context, GenzooError, Sampler, ScheduledNoiser
from genzoo_core.errors import UsageError, did_you_mean


def find_sampler(
    context: Context, noiser: ScheduledNoiser, name: str, config: Mapping[str, Any]
) -> Sampler:
    """The sampler of a name.

    Args:
        context: Where samplers are found.
        noiser: What it must fit.
        name: Its name, bare or `distribution/name`.
        config: Its config, as plain data.

    Raises:
        UsageError: No such sampler, one that does not fit, or one whose config this is not; names
            those that will do.
    """
    try:
        sampler: Sampler = context.component("sampler", name, config)
    except ConfigError as error:
        others = fitting_samplers(context, noiser, config)
        if not others:
            raise UsageError(error.message) from error
        hints = (did_you_mean(name, others), f"this model can use {', '.join(others)}")
        raise UsageError(error.message, "; ".join(filter(None, hints))) from error
    if not sampler.fits(noiser):
        others = fitting_samplers(context, noiser, {})
        raise UsageError(
            f"sampler {name} does not fit how this model was trained",
            f"use {', '.join(others) or 'none that is installed'}",
        )
    return sampler


def fitting_samplers(
    context: Context, noiser: ScheduledNoiser, config: Mapping[str, Any]
) -> list[str]:
    """Names of the samplers that can be built with that config, and fit."""
    fitting = []
    for name in context.names("sampler"):
        try:
            sampler: Sampler = context.component("sampler", name, config)
        except GenzooError:  # a broken plugin must not hide the sound ones
            continue
        if sampler.fits(noiser):
            fitting.append(name)
    return fitting
