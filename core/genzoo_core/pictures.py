"""Pictures and latents, each with the record that makes them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.encoder import Posterior
    from genzoo_core.request import Record


@dataclass(frozen=True)
class Pictures:
    """What a run gives.

    Attributes:
        images: float32 `[N, C, H, W]` in [-1, 1].
        record: How they were made.
        seeds: Seed of each picture; empty where no chance was involved.
        frames: Pictures on the way, each `[N, C, H, W]`, where they were asked for.
        columns: Pictures in a row when they are laid out as a grid, or None.
        inputs: For reconstructions, the given pictures as the model saw them, float32
            `[N, C, H, W]` in [-1, 1]; shown above the reconstructions.
    """

    images: Tensor
    record: Record
    seeds: tuple[int, ...] = ()
    frames: tuple[Tensor, ...] = field(default=())
    columns: int | None = None
    inputs: Tensor | None = None


@dataclass(frozen=True)
class Latents:
    """What `genzoo encode` gives: the posterior of each input picture, and its record."""

    posterior: Posterior
    record: Record
