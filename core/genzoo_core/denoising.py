"""Training a network that removes noise, and sampling with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from genzoo_core.conditioner import Condition, Conditioner, Conditions
from genzoo_core.model import Start
from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.rng import Rng
from genzoo_core.sampler import Denoise, Sampler, Trajectory, shortened

Predict = Callable[[Tensor, Tensor, Condition | None], Tensor]
"""Called as `predict(x, t, condition)` with noisy data, `[B, ...]`, and times, `[B]`; gives what
the noiser's `target` is, with the shape of `x`."""


@runtime_checkable
class Denoiser(Protocol):
    """A model that removes noise: any sampler can walk with it, and a mean flow learn from it.

    A class with this interface is a `torch.nn.Module` as well.

    Attributes:
        noiser: How noise enters.
        data_shape: Shape of the data, without the batch: of pictures, or of latents.
        conditioners: By name; the first reads the prompt.
    """

    noiser: ScheduledNoiser
    data_shape: tuple[int, ...]
    conditioners: Mapping[str, Conditioner]

    def denoiser(self, conditions: Conditions, n: int, guidance: float) -> Denoise:
        """The model as samplers see it, for `n` images; a `guidance` of 1 is off.

        Args:
            conditions: Prepared values `[n, ...]` by the conditioners' names.
            n: How many images.
            guidance: The scale of guidance; 1 is off.
        """


def denoising_errors(
    predict: Predict,
    noiser: ScheduledNoiser,
    x: Tensor,
    condition: Condition | None,
    rng: Rng,
    t: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Squared errors of the network's prediction at random times (Ho et al. 2020, equation 14).

    `rng` draws the times, unless `t`, `[B]`, says them, then the noise, for data `x`, `[B, ...]`.

    Returns:
        The mean squared error of each row, `[B]`, and the noiser's weight for it, `[B]`. The
        mean of their product is the loss.
    """
    t = noiser.sample_t(rng, x) if t is None else t
    noise = rng.normal(x.shape[1:], x)
    prediction = predict(noiser.perturb(x, noise, t), t, condition)
    error = (prediction - noiser.target(x, noise, t)).square().flatten(1).mean(1)
    return error, noiser.weight(t)


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
        predict: The network.
        noiser: What its prediction means.
        condition: None for a model that takes none.
        null: The null condition for as many images, or a negative condition in its place.
        guidance: The scale; 0 and 1 cost one evaluation an image, all others two.
        clip: Whether predicted data is clamped to [-1, 1].
    """
    alone = condition if guidance == 1 else null
    both = None
    if condition is not None and null is not None and guidance not in (0, 1):
        both = join(null, condition)

    def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        # A network may compute in half precision; the rest does not.
        if both is None:
            prediction = predict(x, t, alone).to(x)
        else:
            twice = predict(x.repeat(2, *[1] * (x.dim() - 1)), t.repeat(2), both)
            base, conditional = twice.to(x).chunk(2)
            prediction = base + guidance * (conditional - base)
        x0, noise = noiser.split(prediction, x, t)
        if clip:
            x0 = x0.clamp(-1, 1)
            noise = noise_in(x, x0, t, noiser)  # what `x` then holds
        return x0, noise

    return denoise


def sample_from(
    start: Start | None, sampler: Sampler, path: Trajectory, x: Tensor, *, passes: int = 1
) -> Tensor:
    """Data, `[B, ...]`, by a sampler that begins from other data: what makes a model `Inpainting`.

    The data is noised with the seed's own noise to where `start.strength` of the way is left, and
    the sampler walks the rest (Meng et al. 2022, "SDEdit"). Where a part stays, each prediction
    of the data is replaced by it there, and the noise by what `x` then holds, so that the rest
    is made to fit, by any sampler.

    Args:
        start: What to begin from, as the model sees data: for a model of latents
            `start.encoded(codec)`. None for noise alone.
        sampler: It is called step by step where there are several passes.
        path: The whole way.
        x: What sampling starts from without data, from the noiser's `prior`.
        passes: How often each step is taken where a part stays, with new noise in between: what
            is made then sees more of it (Lugmayr et al. 2022, "RePaint", section 4.2).
    """
    if start is None:
        return sampler(path, x)
    data = start.images.to(x)
    model = path.model if start.mask is None else _projecting(path, start)
    grid = torch.tensor(path.times, dtype=torch.float64)
    rest = path.through(model, shortened(grid, start.strength))
    if start.strength == 0 or rest.sigma[0] == 0:  # or so little that the grid has no such time
        return data
    if start.strength < 1:
        x = rest.mix(0, data, x / path.sigma[0])  # some noisers scale what sampling starts from
    if start.mask is None or passes == 1:
        return sampler(rest, x)
    return resampled(sampler, rest, x, passes)


def resampled(sampler: Sampler, path: Trajectory, x: Tensor, passes: int) -> Tensor:
    """Data by a sampler that takes each step several times; see `sample_from`."""
    # What has no trace of the data yet would only be drawn again.
    repeats = [passes if alpha > 0 else 1 for alpha in path.alpha[:-1]]
    done, data = 0, x
    for i, times in enumerate(repeats):
        for last in range(times - 1, -1, -1):
            data = sampler(path.step(i, done, sum(repeats)), x)
            done += 1
            if last:
                fresh = (1 - path.noise_kept(i) ** 2) ** 0.5 * path.rng.normal(x.shape[1:], x)
                x = path.mix(i, data, fresh)
        x = path.alpha[i + 1] * data
    return data


def _projecting(path: Trajectory, start: Start) -> Denoise:
    """The model of a path, with the start's own data where that stays."""

    def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        x0, noise = path.model(x, t)
        x0 = start.project(x0)
        assert start.mask is not None
        return x0, torch.where(start.mask, noise, noise_in(x, x0, t, path.noiser))

    return denoise


def noise_in(x: Tensor, x0: Tensor, t: Tensor, noiser: ScheduledNoiser) -> Tensor:
    """The noise in `x`, `[B, ...]`, at times `t`, `[B]`, where the data in it is `x0`."""
    alpha, sigma = noiser.scales(t, x)
    return (x - alpha * x0) / sigma.clamp_min(1e-5)


def join(first: Condition, second: Condition) -> Condition:
    """Two conditions as that of one batch, the first in front."""
    pairs = (
        (first.tokens, second.tokens),
        (first.mask, second.mask),
        (first.spatial, second.spatial),
    )
    parts = (None if a is None or b is None else torch.cat([a, b]) for a, b in pairs)
    return Condition(torch.cat([first.vector, second.vector]), *parts)
