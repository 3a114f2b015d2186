"""What all tasks have in common."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.request import check_numbers
from genzoo.run.tasks.abilities import condition_of
from genzoo_core.errors import UsageError
from genzoo_core.request import Record, Request

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.run.outputs.latents import StoredLatents
    from genzoo_core.conditioner import Condition
    from genzoo_core.model import OnStep
    from genzoo_core.pictures import Pictures
    from genzoo_core.zoo import Opened


@dataclass(frozen=True)
class Plan:
    """What will be made: a request that fits its model.

    Attributes:
        raws: By name of the conditioner, the raw value of each row.
        negative: Likewise what takes the place of null in guidance; None for null.
        inputs: The input pictures, float32 `[N, C, H, W]` in [-1, 1], or None.
        mask: Which part of them is made, bool `[1, 1, H, W]`; None for all.
        latents: What is decoded, or None.
        notes: Messages for the user, such as how inputs were converted.
        rest: What a request must have in common with this one to be planned like it.
    """

    opened: Opened
    task: Task
    record: Record
    options: msgspec.Struct
    raws: Mapping[str, tuple[object, ...]]
    negative: Mapping[str, object] | None
    inputs: Tensor | None
    mask: Tensor | None
    latents: StoredLatents | None
    notes: tuple[str, ...]
    rest: str = ""

    @property
    def count(self) -> int:
        """Pictures in all."""
        return self.task.rows * self.record.n

    @cached_property
    def seeds(self) -> Sequence[int]:
        """The seed of each picture; empty where no chance is involved."""
        if not self.task.draws:
            return ()
        if self.record.seeds:
            return [seed + j for seed in self.record.seeds for j in range(self.record.n)]
        return range(self.record.seed, self.record.seed + self.count)

    @property
    def group(self) -> Hashable:
        """See `genzoo_core.zoo.Plan`."""
        if not self.task.draws:
            return None
        record = self.record
        return (
            type(self.task),
            id(self.opened.module),
            msgspec.json.encode(self.options, order="deterministic"),
            tuple(self.raws),
            self.negative is None,
            self.mask is None,
            self.task.strength,
            record.loras,
            record.device,
            record.precision,
            record.threads,
        )

    def on_device(self, tensor: Tensor, rows: Sequence[int]) -> Tensor:
        """What each row has, on the model's device; one may stand for all rows."""
        return tensor[[row % len(tensor) for row in rows]].to(self.record.device)


@dataclass(frozen=True)
class Batch:
    """Pictures `start` to `stop` of a plan, which are made at once."""

    plan: Plan
    start: int
    stop: int
    on_step: OnStep | None = None

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def seeds(self) -> Sequence[int]:
        """The seed of each picture; empty where no chance is involved."""
        return self.plan.seeds[self.start : self.stop]

    @property
    def rows(self) -> list[int]:
        """The row of each picture."""
        return [index // self.plan.record.n for index in range(self.start, self.stop)]

    @property
    def raws(self) -> Mapping[str, Sequence[object]]:
        """By name of the conditioner, the raw value of each picture."""
        return {name: [of[row] for row in self.rows] for name, of in self.plan.raws.items()}

    @property
    def negative_raws(self) -> Mapping[str, Sequence[object]] | None:
        """Likewise of what takes the place of null in guidance; None for null."""
        if self.plan.negative is None:
            return None
        return {name: [raw] * len(self) for name, raw in self.plan.negative.items()}

    @property
    def inputs(self) -> Tensor:
        """The input picture of each, on the model's device."""
        assert self.plan.inputs is not None  # the task needs some
        return self.plan.on_device(self.plan.inputs, self.rows)

    @property
    def mask(self) -> Tensor | None:
        """Which part of each is made, likewise; None for all."""
        return None if self.plan.mask is None else self.plan.on_device(self.plan.mask, self.rows)

    @cached_property
    def conditions(self) -> dict[str, Tensor]:
        """Prepared conditions of these pictures, by name of the conditioner."""
        return {name: self._prepare(name, name, raws) for name, raws in self.raws.items()}

    @property
    def negative(self) -> dict[str, Tensor] | None:
        """Likewise what takes the place of null in guidance; None for null."""
        if (raws := self.negative_raws) is None:
            return None
        return {name: self._prepare(name, f"not {name}", raw) for name, raw in raws.items()}

    def _prepare(self, name: str, stream: str, raws: Sequence[object]) -> Tensor:
        """Raw values by conditioner `name`; what it draws, from a stream for each picture."""
        from genzoo_core.conditioner import conditioners_of
        from genzoo_core.rng import SampleRng

        seeds = self.seeds or [self.plan.record.seed] * len(self)
        rng = SampleRng([_derived(seed, stream) for seed in seeds])
        return conditioners_of(self.plan.opened.module)[name].prepare(raws, rng)

    @property
    def condition(self) -> Condition | None:
        """The conditions as encoder and decoder take them."""
        return condition_of(self.plan.opened, self.conditions, len(self))


def _derived(seed: int, name: str) -> int:
    """A seed in [0, 2**63) for what conditioner `name` draws for a picture.

    Drawing from the picture's own seed would tie a random label to its noise, and change the noise
    with the prompt.
    """
    digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


class Task(ABC):
    """What is to be made of a request, or was made of a record."""

    draws = False
    """Whether each picture draws noise from its own seed; such may share a batch with others'."""
    counts = True
    """Whether `n` can be chosen."""
    guides = False
    """Whether a model draws under guidance, which may lead away from a negative prompt."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @property
    def rows(self) -> int:
        """Rows of `n` pictures: one for each prompt, condition and seed, or for each input."""
        request = self.request
        several = [values for values in request.conditions.values() if isinstance(values, tuple)]
        return max(1, *map(len, (request.prompts, request.seeds, *several)))

    @property
    def n(self) -> int:
        """Pictures per row."""
        return 1 if self.request.n is None else self.request.n

    @property
    def seed(self) -> int:
        """Seed of the first picture; 0 where none is drawn."""
        return 0

    @property
    def strength(self) -> float | None:
        """How much of the inputs becomes noise, in [0, 1]; None where nothing is varied."""
        return None

    @property
    def in_rows(self) -> bool:
        """Whether the pictures of a row belong side by side in a grid."""
        return self.rows > 1

    @property
    def walks(self) -> int:
        """Number of walks that the pictures are steps of; 0 where they are none."""
        return 0

    @property
    def stem(self) -> str:
        """What a file's name has after the model: the inputs, the walk's ends, or the seed."""
        inputs = self.request.inputs
        if not inputs:
            return str(self.request.seed)
        more = f"-and-{len(inputs) - 1}-more" if len(inputs) > 1 else ""
        return f"{Path(inputs[0].path).stem}{more}"

    def check(self) -> None:
        """Check all that needs no model."""
        if not self.draws and (self.request.seed is not None or self.request.seeds):
            raise UsageError("--seed does not go with --interpolate or --input: no noise is drawn")
        if self.request.seeds and self.request.seed is not None:
            raise UsageError("each row has a seed of its own", "leave out --seed")
        if not self.guides and self.request.negative is not None:
            raise UsageError(
                "--negative says what is not to be drawn, and nothing is drawn here",
                "leave it out, or vary the picture with --strength",
            )
        if self.strength is None and (self.request.strength, self.request.mask) != (None, None):
            option = "--mask" if self.request.strength is None else "--strength"
            raise UsageError(
                f"{option} says how a picture is varied",
                "give the picture as --input, without --interpolate",
            )
        self._check_rows()
        check_numbers(self.request, self.n, self.rows)

    def _check_rows(self) -> None:
        """Check that whatever has a value for each row has as many as there are rows."""
        request, rows = self.request, self.rows
        counts = {
            f"values of {k}": len(v) for k, v in request.conditions.items() if isinstance(v, tuple)
        }
        if request.seeds:
            counts["seeds"] = len(request.seeds)
        if len(request.prompts) > 1 and not request.inputs:
            counts["prompts"] = len(request.prompts)
        for what, count in counts.items():
            if count != rows:
                raise UsageError(f"{count} {what} do not go with {rows} rows", "give one for each")

    @abstractmethod
    def require(self, opened: Opened) -> None:
        """Check that a model can do it; the error says which ones can."""

    @abstractmethod
    def make(self, batch: Batch) -> Tensor:
        """The pictures of a batch, `[len(batch), C, H, W]`, as the model gives them."""

    def finish(self, batch: Batch, made: Tensor) -> Tensor:
        """The pictures that are written, of those that a model has made."""
        return made

    def above(self, plan: Plan) -> Tensor | None:
        """Pictures that are shown above the others, or None."""
        return None

    def steps(self, pictures: Pictures) -> Tensor | None:
        """The pictures as steps of walks, `[steps, walks, C, H, W]`; None for no walk."""
        return None

    def summary(self, seeds: Sequence[int]) -> str:
        """The line about seeds, for the user."""
        return "no noise is drawn, so it needs no seed"


class OfInputs(Task):
    """One result for each input."""

    counts = False

    @property
    def rows(self) -> int:
        return len(self.request.inputs)

    @property
    def n(self) -> int:
        return 1
