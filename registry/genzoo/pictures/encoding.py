"""Pictures to latents: what `genzoo encode` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genzoo.pictures.batches import device_of, prepare
from genzoo.pictures.requests import Plan
from genzoo.pictures.resolving import condition_of, encoder_of
from genzoo.pictures.running import threads
from genzoo_core.pictures import Latents

if TYPE_CHECKING:
    from genzoo_core.encoder import Posterior


def encode(plan: Plan) -> Latents:
    """The posteriors of a plan's inputs.

    Args:
        plan: Resolved from a request with `encode`.
    """
    import torch

    from genzoo_core.encoder import Posterior

    with torch.inference_mode(), threads(plan.record.threads):
        step = plan.record.batch
        parts = [_encode(plan, start, min(start + step, plan.rows))
                 for start in range(0, plan.rows, step)]  # fmt: skip
    stds = [part.std for part in parts if part.std is not None]
    mean = torch.cat([part.mean for part in parts]).cpu()
    return Latents(Posterior(mean, torch.cat(stds).cpu() if stds else None), plan.record)


def _encode(plan: Plan, start: int, stop: int) -> Posterior:
    assert plan.inputs is not None
    encoder = encoder_of(plan.loaded)
    condition = condition_of(plan.loaded, prepare(plan, start, stop), stop - start)
    return encoder.encode(plan.inputs[start:stop].to(device_of(plan)), condition)
