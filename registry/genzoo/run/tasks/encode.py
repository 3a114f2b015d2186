"""Input pictures to latents: what `genzoo encode` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from genzoo.run.computing import computing
from genzoo.run.tasks.abilities import encoder_of
from genzoo.run.tasks.task import Batch, OfInputs, Plan
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Latents

if TYPE_CHECKING:
    from genzoo_core.zoo import Opened


class Encode(OfInputs):
    """The posterior of each input."""

    def require(self, opened: Opened) -> None:
        encoder_of(opened)

    def make(self, batch: Batch) -> NoReturn:
        raise UsageError("latents are no pictures", "`genzoo encode` makes them")


def make_latents(plan: Plan) -> Latents:
    """The posteriors of the inputs of a plan whose request says `encode`."""
    import torch

    from genzoo_core.encoder import Posterior

    encoder, step, count = encoder_of(plan.opened), plan.record.batch, plan.count
    batches = (Batch(plan, start, min(start + step, count)) for start in range(0, count, step))
    with computing(plan):
        parts = [encoder.encode(batch.inputs, batch.condition) for batch in batches]
    stds = [part.std for part in parts if part.std is not None]
    mean = torch.cat([part.mean for part in parts]).cpu()
    return Latents(Posterior(mean, torch.cat(stds).cpu() if stds else None), plan.record)
