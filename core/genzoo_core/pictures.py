"""Pictures and latents, each with the record that makes them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.encoder import Posterior
    from genzoo_core.request import Record


@dataclass(frozen=True)
class Pictures:
    """The result of a run.

    Attributes:
        images: float32 `[N, C, H, W]` in [-1, 1].
        record: How they were made.
        seeds: Seed of each picture; empty where no chance was involved.
        frames: Intermediate pictures, each `[N, C, H, W]`, where the caller wants them.
        columns: Pictures in a row when they are laid out as a grid, or None.
        inputs: For reconstructions, the input pictures as the model saw them, like `images`; drawn
            above the reconstructions.
    """

    images: Tensor
    record: Record
    seeds: tuple[int, ...] = ()
    frames: tuple[Tensor, ...] = ()
    columns: int | None = None
    inputs: Tensor | None = None


@dataclass(frozen=True)
class Latents:
    """The result of `genzoo encode`: the posterior of each input picture, and its record."""

    posterior: Posterior
    record: Record
