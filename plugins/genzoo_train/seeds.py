"""Every random number of a training is a pure function of where it is used."""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, *place: str | int) -> int:
    """A seed in [0, 2**63) for one place of a training, such as (stage, step, phase).

    Nothing depends on what was drawn before, so a resumed training draws what the
    uninterrupted one would have.
    """
    digest = hashlib.blake2b(repr((seed, place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *place: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator on `device` for one place of a training."""
    return torch.Generator(device).manual_seed(derive(seed, *place))
