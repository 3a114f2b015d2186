"""One call of a pipeline: its chance from the samples' own generators, its steps as they come."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from itertools import count
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from genzoo_core import OnStep, Rng, Start, UsageError


class Noise:
    """Noise of an `Rng` in place of that of generators: for a walk between two seeds.

    Every normal number of diffusers comes through `randn_tensor`, which whoever draws has imported
    by its name.
    """

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._drawn: list[Tensor] = []

    @contextmanager
    def of(self, rows: slice, pipeline: Any) -> Iterator[None]:
        """While active, a pipeline and its scheduler draw the noise of some samples.

        All samples draw in the same order; what the first has drawn is there for the others.
        """
        draws = count()

        def drawn(
            shape: Sequence[int],
            generator: Any = None,
            device: Any = None,
            dtype: Any = None,
            **_: Any,
        ) -> Tensor:
            index = next(draws)
            if index == len(self._drawn):
                like = torch.empty(0, dtype=dtype, device=device)
                self._drawn.append(self._rng.normal(tuple(shape[1:]), like))
            noise = self._drawn[index][rows]
            return noise.repeat(shape[0] // len(noise), *[1] * (noise.dim() - 1))

        inner = [each for each in vars(pipeline).values() if hasattr(each, "scheduler")]
        drawing = [one for each in (pipeline, *inner) for one in (each, each.scheduler)]
        classes = [cls for each in drawing for cls in type(each).__mro__]
        with ExitStack() as stack:
            for name in {each.__module__ for each in classes}:
                if hasattr(sys.modules[name], "randn_tensor"):
                    stack.enter_context(patch.object(sys.modules[name], "randn_tensor", drawn))
            yield
        if not self._drawn:
            raise UsageError(f"{type(pipeline).__name__} cannot walk: it draws past its generator")


@contextmanager
def drawing(scheduler: Any, seeds: Sequence[int], on_step: OnStep | None = None) -> Iterator[Any]:
    """While active, what a scheduler draws comes from the samples' generators.

    Most draw from the generators that a pipeline passes on. Where one does not, as DiT's, they
    are passed here. A Brownian tree grows from the seeds, and what is left draws from torch's own
    generator, which has the first seed meanwhile.

    Args:
        scheduler: Of the pipeline.
        seeds: One of each sample.
        on_step: Called after each step with what the scheduler has made of it.

    Yields:
        The generators, as a pipeline takes them: one, or a list.
    """
    each = [torch.Generator().manual_seed(seed) for seed in seeds]
    generator = each[0] if len(each) == 1 else each
    step = scheduler.step
    draws = "generator" in inspect.signature(step).parameters
    done = 0

    @wraps(step)  # pipelines look at what it takes
    def drawn_step(*args: Any, **kwargs: Any) -> Any:
        nonlocal done
        if draws and kwargs.get("generator") is None:
            kwargs["generator"] = generator
        made = step(*args, **kwargs)
        done += 1
        if on_step is not None:
            total = len(scheduler.timesteps) - (getattr(scheduler, "begin_index", None) or 0)
            on_step(min(done, total), total, made[0])
        return made

    if hasattr(scheduler, "noise_sampler_seed"):
        scheduler.noise_sampler_seed = seeds[0] if len(seeds) == 1 else list(seeds)
        scheduler.noise_sampler = None
    scheduler.step = drawn_step
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seeds[0])
            yield generator
    finally:
        del scheduler.step


def steps_of_all(on_step: OnStep, first: int, n: int, batched: bool) -> OnStep:
    """The steps of some pictures as steps of all: what is made one by one is grey until then."""
    if batched:
        return on_step

    def of_rows(step: int, total: int, x: Tensor) -> None:
        every = torch.zeros(n, *x.shape[1:])
        every[first] = x[0]
        on_step(first * total + step, n * total, every)

    return of_rows


def images_of(images: Any) -> Tensor:
    """What a pipeline gives, float32 `[B, C, H, W]` in [-1, 1]."""
    if isinstance(images, Tensor):
        found = images
    else:
        found = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
        found = found.permute(0, 3, 1, 2)
    return found.float() * 2 - 1


def rows_of(start: Start | None, rows: slice) -> Start | None:
    """What some of the pictures begin from."""
    if start is None:
        return None
    mask = start.mask if start.mask is None or len(start.mask) == 1 else start.mask[rows]
    return Start(start.images[rows], start.strength, mask)
