"""Pictures, and the record that makes each of them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.encoder import Posterior


class InputRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture that was given: where it lay, and the sha256 of its bytes."""

    path: str
    sha256: str


class RunRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A resolved request: all that is needed to make the same pictures again.

    Attributes:
        model: `distribution/name`, or the path of a model file.
        weights: sha256 of the weights file.
        parts: sha256 of each shared part's weights, by role.
        mode: Pictures from noise, reconstructions of inputs, or a walk between two.
        prompts: Prompts as they were typed; empty for none.
        n: Pictures per prompt.
        seed: Picture j of prompt p has seed `seed + p * n + j`.
        interpolate: The two seeds that are walked between, or None.
        inputs: The pictures that were given.
        options: All options of the model, resolved.
        conditions: Values of conditioners other than the first, by name.
        versions: Versions of genzoo, torch, the model's distribution.
    """

    model: str
    weights: str
    mode: Literal["sample", "reconstruct", "interpolate"]
    n: int
    seed: int
    prompts: tuple[str, ...] = ()
    interpolate: tuple[int, int] | None = None
    inputs: tuple[InputRecord, ...] = ()
    options: dict[str, Any] = {}
    conditions: dict[str, str] = {}
    parts: dict[str, str] = {}
    versions: dict[str, str] = {}


@dataclass(frozen=True)
class Pictures:
    """What a run gives.

    Attributes:
        images: float32 `[N, C, H, W]` in [-1, 1].
        record: How they were made.
        seeds: Seed of each picture; empty where no chance was involved.
        frames: Pictures on the way, each `[N, C, H, W]`, where they were asked for.
        columns: Pictures in a row when they are laid out as a grid, or None.
    """

    images: Tensor
    record: RunRecord
    seeds: tuple[int, ...] = ()
    frames: tuple[Tensor, ...] = field(default=())
    columns: int | None = None


@dataclass(frozen=True)
class Latents:
    """What `genzoo encode` gives: the posterior of each input picture, and its record."""

    posterior: Posterior
    record: RunRecord
