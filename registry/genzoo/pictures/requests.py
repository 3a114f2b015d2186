"""What a user asks for, and what will be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.pictures import RunRecord

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.zoo import Loaded
    from genzoo_core.model import GenerativeModel

MAX_PICTURES = 1_000_000
"""Most pictures of one run."""
MAX_SEED = 2**63
"""Seeds are below this."""
STRIP = 8
"""Pictures of a walk where their number is not given."""

Mode = Literal["sample", "reconstruct", "interpolate", "encode"]


@dataclass(frozen=True)
class Request:
    """What a user asks of a model.

    Attributes:
        prompts: One row of pictures each; empty for none.
        n: Pictures per prompt, or steps of a walk; None for 1, or `STRIP` for a walk.
        seed: Seed of the first picture; None for a random one.
        options: The model's options by name, typed or as text.
        conditions: Values of conditioners other than the first, by name, as text.
        interpolate: The two seeds to walk between; "inputs" for the two inputs.
        inputs: Pictures to reconstruct, walk between or encode.
        encode: Whether the inputs' latents are asked for.
    """

    prompts: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    interpolate: tuple[int, int] | Literal["inputs"] | None = None
    inputs: tuple[Path, ...] = ()
    encode: bool = False

    @property
    def mode(self) -> Mode:
        """What is made."""
        if self.encode:
            return "encode"
        if self.interpolate is not None:
            return "interpolate"
        return "reconstruct" if self.inputs else "sample"


@dataclass(frozen=True)
class Plan:
    """What will be made: a request that fits its model.

    Attributes:
        loaded: The model.
        record: The resolved request.
        options: The model's options.
        raws: By name of the conditioner, the raw value of each row.
        inputs: The given pictures, float32 `[N, C, H, W]` in [-1, 1], or None.
        notes: What a user should be told: how inputs were converted.
    """

    loaded: Loaded
    record: RunRecord
    options: msgspec.Struct
    raws: Mapping[str, tuple[Any, ...]]
    inputs: Tensor | None
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of `record.n` pictures: one for each prompt, or for each input."""
        if self.record.mode in ("reconstruct", "encode"):
            return len(self.record.inputs)
        return max(1, len(self.record.prompts))

    @property
    def count(self) -> int:
        """Pictures in all."""
        return self.rows * self.record.n

    @property
    def seeds(self) -> range:
        """The seed of each picture; empty where no chance is involved."""
        first = self.record.seed
        return range(first, first + self.count) if self.record.mode == "sample" else range(0)

    @property
    def model(self) -> GenerativeModel[msgspec.Struct]:
        """The model as one that samples; `resolve` checked that it is."""
        return cast("GenerativeModel[msgspec.Struct]", self.loaded.built.module)

    def check_options(self) -> None:
        """Let the model refuse its options before anything is said or drawn.

        Raises:
            UsageError: They do not fit it.
            NotFittedError: It has nothing to sample from.
        """
        if self.record.mode == "sample" or self.record.interpolate is not None:
            self.model.check_options(self.options)


def check_counts(request: Request) -> None:
    """Check numbers that need no model.

    Raises:
        UsageError: `n` or a seed is out of range, or does not go with the rest.
    """
    _check_types(request)
    mode, seed = request.mode, request.seed
    if mode == "reconstruct" and request.n is not None:
        raise UsageError("-n does not go with --input: each input is reconstructed once")
    n = picture_count(request)
    rows = max(1, len(request.prompts))
    if not 1 <= n * rows <= MAX_PICTURES:
        per_prompt = f" for each of {rows} prompts" if rows > 1 else ""
        raise UsageError(
            f"-n is {n}{per_prompt}; a run makes from 1 to {MAX_PICTURES:,} pictures in all"
        )
    if mode != "sample" and seed is not None:
        raise UsageError("--seed does not go with --interpolate or --input: no noise is drawn")
    if isinstance(request.interpolate, tuple):
        if request.inputs:
            raise UsageError(
                "--interpolate walks between two seeds or two inputs",
                "leave out the seeds or --input",
            )
        for end in request.interpolate:
            _check_seed(end, 1)
    if request.interpolate == "inputs" and len(request.inputs) != 2:
        raise UsageError(
            f"a walk between inputs needs two, not {len(request.inputs)}",
            "give --input twice, or two seeds: --interpolate 3,8",
        )
    if seed is not None:
        _check_seed(seed, n * rows)


def _check_types(request: Request) -> None:
    """What the type checker of a Python user would have said."""
    require_whole("n", request.n)
    require_whole("seed", request.seed)
    for what, given in (("options", request.options), ("conditions", request.conditions)):
        named = isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
        _require(named, what, given, "values by name")
    for prompt in request.prompts:
        _require(isinstance(prompt, str), "a prompt", prompt, "text")
    walk: object = request.interpolate
    pair = isinstance(walk, tuple) and len(walk) == 2
    _require(walk in (None, "inputs") or pair, "interpolate", walk, 'two seeds, or "inputs"')
    for end in request.interpolate if isinstance(request.interpolate, tuple) else ():
        require_whole("a seed to walk between", end)


def require_whole(what: str, value: object) -> None:
    """Raises:
    UsageError: `value` is neither a whole number nor None.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    _require(value is None or whole, what, value, "a whole number")


def _require(fine: bool, what: str, value: object, wanted: str) -> None:
    if not fine:
        raise UsageError(f"{what} is {value!r}; give {wanted}")


def picture_count(request: Request) -> int:
    """Pictures per row."""
    if request.n is not None:
        return request.n
    return STRIP if request.mode == "interpolate" else 1


def _check_seed(seed: int, count: int) -> None:
    if not 0 <= seed <= MAX_SEED - count:
        raise UsageError(f"seed {seed} is out of range; seeds go from 0 to {MAX_SEED - count}")
