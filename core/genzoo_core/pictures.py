"""Pictures, and the record that makes each of them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from genzoo_core.config import Config

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.encoder import Posterior


class InputRecord(Config):
    """A picture that was given: where it lay, and the sha256 of its bytes."""

    path: str
    sha256: str


class RunRecord(Config, omit_defaults=True):
    """A resolved request: all that is needed to make the same pictures again.

    Attributes:
        model: `distribution/name`, or the path of a model file.
        weights: sha256 of the weights file.
        parts: sha256 of each shared part's weights, by role.
        mode: Pictures from noise, reconstructions of inputs, a walk between two, or the latents
            of inputs.
        prompts: Prompts as they were typed; empty for none.
        n: Pictures per prompt; for reconstructions 1, a picture per input.
        seed: Picture j of prompt p has seed `seed + p * n + j`.
        interpolate: The two seeds that are walked between, or None.
        inputs: The pictures that were given.
        options: All options of the model, resolved.
        conditions: Values of conditioners other than the first, by name.
        batch: Pictures made at a time. A picture does not depend on it but for rounding: in the
            same batches it comes out bit by bit the same.
        threads: Threads of the CPU that it was made with, for the same reason.
        device: Where it was made, for the same reason.
        pictures: Which of the run's pictures these are, [first, last), where they are not all:
            one picture of a folder, or what was finished when the run was interrupted.
        versions: Versions of genzoo, torch, the model's distribution.
    """

    model: str
    weights: str
    mode: Literal["sample", "reconstruct", "interpolate", "encode"]
    n: int
    seed: int
    prompts: tuple[str, ...] = ()
    interpolate: tuple[int, int] | None = None
    inputs: tuple[InputRecord, ...] = ()
    options: dict[str, Any] = {}
    conditions: dict[str, str] = {}
    parts: dict[str, str] = {}
    batch: int = 64
    threads: int = 1
    device: str = "cpu"
    pictures: tuple[int, int] | None = None
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
        inputs: For reconstructions, the given pictures as the model saw them, float32
            `[N, C, H, W]` in [-1, 1]; shown above the reconstructions.
    """

    images: Tensor
    record: RunRecord
    seeds: tuple[int, ...] = ()
    frames: tuple[Tensor, ...] = field(default=())
    columns: int | None = None
    inputs: Tensor | None = None


@dataclass(frozen=True)
class Latents:
    """What `genzoo encode` gives: the posterior of each input picture, and its record."""

    posterior: Posterior
    record: RunRecord
