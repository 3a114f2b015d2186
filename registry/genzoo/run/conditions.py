"""What the prompts and conditions of a plan are, as tensors."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from genzoo.run.tasks.task import Plan

if TYPE_CHECKING:
    from torch import Tensor


def prepare(plan: Plan, start: int, stop: int) -> dict[str, Tensor]:
    """Prepared conditions of pictures `start` to `stop`, by name of the conditioner.

    What conditioners leave to chance is drawn from generators of their own, seeded with a hash of
    the picture's seed and the conditioner's name: a seed gives the same noise whatever the prompt.
    """
    from genzoo_core.conditioner import conditioners_of
    from genzoo_core.rng import SampleRng

    conditioners = conditioners_of(plan.opened.module)
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
