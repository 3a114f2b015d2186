"""Randomness that does not come through an `Rng`."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from genzoo_core.testing.report import problem

MEND = "draw every number from the `rng` that is passed in"


@contextmanager
def untouched(found: list[str]) -> Iterator[None]:
    """Add to `found` a line for each global generator that is used meanwhile; put them back."""
    before = {name: state() for name, (state, _) in _generators().items()}
    try:
        yield
        for name, (state, _) in _generators().items():
            if name in before and _differs(before[name], state()):
                found.append(problem(f"{name} to be left alone", "a draw from it", MEND))
    finally:
        for name, (_, restore) in _generators().items():
            if name in before:
                restore(before[name])


@contextmanager
def reseeded(seed: int) -> Iterator[None]:
    """With another state of every global generator; puts them back."""
    generators = _generators()
    before = {name: state() for name, (state, _) in generators.items()}
    torch.manual_seed(seed)
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed)
    try:
        yield
    finally:
        for name, (_, restore) in generators.items():
            restore(before[name])


def _generators() -> dict[str, tuple[Callable[[], Any], Callable[[Any], None]]]:
    """How to read and to set the state of each global generator."""
    known: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
        "torch's global generator": (torch.get_rng_state, torch.set_rng_state),
        "Python's random module": (random.getstate, random.setstate),
    }
    if (numpy := sys.modules.get("numpy")) is not None:
        known["numpy.random"] = (numpy.random.get_state, numpy.random.set_state)
    return known


def _differs(before: object, after: object) -> bool:
    if isinstance(before, tuple) and isinstance(after, tuple):
        return any(_differs(one, other) for one, other in zip(before, after, strict=True))
    different = before != after
    return bool(different.any()) if hasattr(different, "any") else bool(different)
