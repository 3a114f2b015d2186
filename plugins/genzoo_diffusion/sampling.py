"""What a diffusion model gives to a sampler, and how one is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from genzoo_core import Condition, ConfigError, Context, GenzooError, Sampler, ScheduledNoiser
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.sampler import Denoise

Predict = Callable[[Tensor, Tensor, Condition | None], Tensor]


def guided_denoiser(
    predict: Predict,
    noiser: ScheduledNoiser,
    condition: Condition | None,
    null: Condition | None,
    guidance: float,
    *,
    clip: bool,
) -> Denoise:
    """The model as samplers see it, with classifier-free guidance (Ho & Salimans 2022).

    Its predictions are `null + guidance * (conditional - null)`: the formula of their equation 6
    with a scale that is 1, not 0, where guidance is off.

    Args:
        predict: The network, called as `predict(x, t, condition)`.
        noiser: What its prediction means.
        condition: What is asked for; None for a model that takes no condition.
        null: What asks for nothing, for as many images.
        guidance: The scale; 0 and 1 cost one evaluation an image, all others two.
        clip: Whether predicted data is kept in [-1, 1].
    """
    alone = condition if guidance == 1 else null
    both = None
    if condition is not None and null is not None and guidance not in (0, 1):
        both = join(null, condition)

    def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if both is None:
            prediction = predict(x, t, alone)
        else:
            base, asked = predict(x.repeat(2, *[1] * (x.dim() - 1)), t.repeat(2), both).chunk(2)
            prediction = base + guidance * (asked - base)
        x0, noise = noiser.split(prediction, x, t)
        return clipped(x0, x, t, noiser) if clip else (x0, noise)

    return denoise


def clipped(x0: Tensor, x: Tensor, t: Tensor, noiser: ScheduledNoiser) -> tuple[Tensor, Tensor]:
    """Data kept in [-1, 1], and the noise that `x` then holds."""
    x0 = x0.clamp(-1, 1)
    shape = (-1, *[1] * (x.dim() - 1))
    alpha, sigma = (coefficient.reshape(shape) for coefficient in noiser.coefficients(t))
    return x0, (x - alpha * x0) / sigma.clamp_min(1e-5)


def join(first: Condition, second: Condition) -> Condition:
    """Two conditions as that of one batch, the first in front."""
    pairs = ((first.vector, second.vector), (first.tokens, second.tokens))
    vector, tokens = (
        torch.cat([a, b]) if a is not None and b is not None else None for a, b in pairs
    )
    assert vector is not None
    if first.mask is None or second.mask is None:
        return Condition(vector, tokens)
    return Condition(vector, tokens, torch.cat([first.mask, second.mask]))


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
