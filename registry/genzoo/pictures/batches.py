"""The pictures of one batch: where chance, conditions and inputs meet the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genzoo.pictures.requests import Plan

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from genzoo_core.model import OnStep
    from genzoo_core.rng import Rng


def make_batch(plan: Plan, start: int, stop: int, on_step: OnStep | None = None) -> Tensor:
    """Pictures `start` to `stop` of a plan, `[stop - start, C, H, W]`.

    Each draws its noise from a generator with its own seed, and what its conditioners leave to
    chance from generators of their own, seeded with a hash of that seed and the conditioner's
    name: the same seed gives the same noise whatever the prompt.
    """
    from genzoo_core.rng import InterpolationRng, SampleRng

    record = plan.record
    conditions = prepare(plan, start, stop)
    if record.mode == "sample":
        rng: Rng = SampleRng(plan.seeds[start:stop])
        return plan.model.sample(rng, conditions, plan.options, on_step)
    if record.interpolate is not None:
        rng = InterpolationRng(*record.interpolate, _weights(record.n, start, stop))
        return plan.model.sample(rng, conditions, plan.options, on_step)
    return _decode(plan, conditions, start, stop)


def _weights(n: int, start: int, stop: int) -> list[float]:
    """How far along its walk each picture is; a walk of one picture stands at its start."""
    return [index % n / max(n - 1, 1) for index in range(start, stop)]


def _decode(plan: Plan, conditions: Mapping[str, Tensor], start: int, stop: int) -> Tensor:
    """Reconstructions of the inputs, or the line between the latents of the two."""
    import torch

    from genzoo.pictures.resolving import codec_of, condition_of

    codec = codec_of(plan.loaded)
    assert plan.inputs is not None
    device = device_of(plan)
    condition = condition_of(plan.loaded, conditions, stop - start)
    if plan.record.mode == "reconstruct":
        return codec.reconstruct(plan.inputs[start:stop].to(device), condition)
    # The condition speaks of what is decoded; the inputs are what they are.
    ends = codec.encode(plan.inputs.to(device), condition_of(plan.loaded, {}, 2)).mode()
    weights = torch.tensor(_weights(plan.record.n, start, stop)).to(ends)
    weights = weights.reshape(-1, *([1] * (ends.dim() - 1)))
    return codec.decode(torch.lerp(ends[:1], ends[1:], weights), condition)


def prepare(plan: Plan, start: int, stop: int) -> dict[str, Tensor]:
    """Prepared conditions of pictures `start` to `stop`, by name of the conditioner."""
    from genzoo.pictures.resolving import conditioners_of
    from genzoo_core.rng import SampleRng

    conditioners = conditioners_of(plan.loaded)
    seeds = plan.seeds[start:stop] or [plan.record.seed] * (stop - start)
    return {
        name: conditioners[name].prepare(
            [raws[index // plan.record.n] for index in range(start, stop)],
            SampleRng([_derived(seed, name) for seed in seeds]),
        )
        for name, raws in plan.raws.items()
    }


def _derived(seed: int, name: str) -> int:
    """A seed in [0, 2**63) for what conditioner `name` of the picture leaves to chance.

    Drawing from the picture's own seed would tie a random label to its noise.
    """
    digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def device_of(plan: Plan) -> torch.device | None:
    """Where the model is; None for one without parameters."""
    return next((tensor.device for tensor in plan.loaded.built.module.parameters()), None)
