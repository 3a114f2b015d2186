"""Randomness that does not come through an `Rng`."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from genzoo_core.rng import SampleRng
from genzoo_core.testing.comparing import alone, same
from genzoo_core.testing.report import problem

MEND = "draw every number from the `rng` that is passed in"
T = TypeVar("T")


def own_chance(draw: Callable[[], Tensor], what: str, mend: str = MEND) -> Iterator[str]:
    """What is wrong where `draw` uses a global generator, or depends on the state of one.

    `what` it gives ("pictures") is the same each time, where all is well.
    """
    lines = list(untouched(draw))
    yield from lines
    draws = []
    for seed in (1, 2):
        with reseeded(seed):
            draws.append(draw())
    if not lines and not same(draws[1], draws[0]):
        found = f"{what} that depend on a global seed"
        yield problem(f"the same {what} whatever the global seed is", found, mend)


def untouched(draw: Callable[[], T], where: str = "") -> Generator[str, None, T]:
    """A line, beginning with `where`, for each global generator that `draw` uses; all are restored.

    Returns:
        What `draw` gives.
    """
    with _restored() as before:
        result = draw()
        lines = [
            where + problem(f"{name} to be left alone", "a draw from it", MEND)
            for name, (state, _) in _generators().items()
            if name in before and _differs(before[name], state())
        ]
    yield from lines
    return result


def by_row(what: str, draw: Callable[[SampleRng], Tensor], n: int) -> Generator[str, None, Tensor]:
    """What is wrong with `n` rows that should each depend on its own seed alone.

    Returns:
        The rows, which may have any form.
    """
    rows = yield from untouched(lambda: draw(SampleRng(range(n))), f"{what}: ")
    if isinstance(rows, Tensor) and rows.shape[:1] == (n,):
        mend = "draw from `rng`, the same count of numbers for each row"
        yield from alone(what, rows, lambda i: draw(SampleRng([i]))[0], mend, torch.equal)
    return rows


@contextmanager
def reseeded(seed: int) -> Iterator[None]:
    """Within it, every global generator is in the state of this seed; they are put back."""
    with _restored():
        torch.manual_seed(seed)
        random.seed(seed)
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.random.seed(seed)
        yield


@contextmanager
def _restored() -> Iterator[dict[str, Any]]:
    """Gives the state of each global generator by name, and puts it back at the end."""
    before = {name: state() for name, (state, _) in _generators().items()}
    try:
        yield before
    finally:
        for name, (_, restore) in _generators().items():
            if name in before:
                restore(before[name])


def _generators() -> dict[str, tuple[Callable[[], Any], Callable[[Any], None]]]:
    generators: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
        "torch's global generator": (torch.get_rng_state, torch.set_rng_state),
        "Python's random module": (random.getstate, random.setstate),
    }
    if (numpy := sys.modules.get("numpy")) is not None:
        generators["numpy.random"] = (numpy.random.get_state, numpy.random.set_state)
    return generators


def _differs(before: object, after: object) -> bool:
    if isinstance(before, tuple) and isinstance(after, tuple):
        return any(_differs(one, other) for one, other in zip(before, after, strict=True))
    different = before != after
    return bool(different.any()) if hasattr(different, "any") else bool(different)
