"""Latents of a file, to pictures: what `genzoo decode` does."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.outputs.latents import StoredLatents, open_latents
from genzoo.run.tasks.abilities import NO_DECODER, codec_of
from genzoo.run.tasks.task import Batch, Task
from genzoo_core.errors import UsageError
from genzoo_core.request import MOST_PICTURES

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.request import Request
    from genzoo_core.zoo import Opened

SCANNED = 2**16
"""Numbers that are looked at at a time, in whole latents."""


class Decode(Task):
    """A picture of each latent; `n` is how many there are, for each prompt where there are some."""

    counts = False
    in_rows = False

    @property
    def stem(self) -> str:
        assert self.request.latents is not None
        return Path(self.request.latents.path).stem

    def check(self) -> None:
        request = self.request
        if request.inputs or request.interpolate is not None:
            raise UsageError("latents are decoded, without inputs and walks", "leave those out")
        if request.latents is None or not request.latents.path:
            raise UsageError("latents are read from a file", "give its path")
        if request.n is not None or request.seed is not None:
            raise UsageError("each latent is decoded once, without noise", "leave out n and seed")
        super().check()

    def require(self, opened: Opened) -> None:
        codec_of(opened, NO_DECODER)

    def make(self, batch: Batch) -> Tensor:
        plan = batch.plan
        assert plan.latents is not None
        latents = plan.latents.rows(batch.start, batch.stop)
        latents = plan.on_device(latents, range(len(batch)))
        return codec_of(plan.opened).decode(latents, batch.condition)


def latents_of(request: Request, opened: Opened) -> StoredLatents | None:
    """The latents that a request names, which are such as the model has; None where it names none.

    Raises:
        UsageError: They cannot be read, or are others; names what the model takes.
    """
    if request.latents is None:
        return None
    codec, latents = codec_of(opened), open_latents(Path(request.latents.path))
    what, shape = f"{latents.array} in {latents.path}", list(latents.shape)
    if tuple(latents.shape[1:]) != tuple(codec.latent_shape):
        takes = ", ".join(["N", *map(str, codec.latent_shape)])
        raise UsageError(f"{what} has the shape {shape}; {opened.name} decodes [{takes}]")
    count, prompts = latents.shape[0], len(request.prompts)
    if not 1 <= count <= MOST_PICTURES:
        raise UsageError(f"{what} has the shape {shape}: from 1 to {MOST_PICTURES:,} are decoded")
    if prompts > 1 and prompts != count:
        raise UsageError(f"{prompts} prompts do not go with {count} latents; give one or all")
    _check_numbers(latents, codec.codebook_size, what, opened.name)
    return latents


def _check_numbers(latents: StoredLatents, codes: int | None, what: str, name: str) -> None:
    """Refuse NaN and infinite latents, and codes that are not in the codebook."""
    real = latents.dtype.startswith(("float", "bfloat"))
    if real != (codes is None):
        takes = "real numbers, float32" if codes is None else f"codes, int64 from 0 to {codes - 1}"
        raise UsageError(f"{what} is {latents.dtype}; the latents of {name} are {takes}")
    count, *latent = latents.shape
    step = max(1, SCANNED // max(1, prod(latent)))
    for start in range(0, count, step):
        rows = latents.rows(start, min(start + step, count)).flatten(1)
        sound = rows.isfinite() if codes is None else (rows >= 0) & (rows < codes)
        bad = (~sound.all(1)).nonzero()
        if len(bad):
            fault = (
                "is not finite"
                if codes is None
                else f"has codes that are not from 0 to {codes - 1}"
            )
            raise UsageError(f"{what}: latent {start + int(bad[0])} {fault}")
