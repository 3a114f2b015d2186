"""What all tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from genzoo.run.request import check_numbers
from genzoo_core.errors import UsageError
from genzoo_core.request import Record, Request

if TYPE_CHECKING:
    import msgspec
    import torch
    from torch import Tensor

    from genzoo_core.conditioner import Condition
    from genzoo_core.encoder import Codec, Encoder
    from genzoo_core.model import GenerativeModel, OnStep
    from genzoo_core.pictures import Pictures
    from genzoo_core.zoo import Opened


@dataclass(frozen=True)
class Plan:
    """What will be made: a request that fits its model.

    Attributes:
        opened: The model.
        task: What is made.
        record: The resolved request.
        options: The model's options.
        raws: By name of the conditioner, the raw value of each row.
        inputs: The given pictures, float32 `[N, C, H, W]` in [-1, 1], or None.
        notes: What a user should be told: how inputs were converted.
    """

    opened: Opened
    task: Task
    record: Record
    options: msgspec.Struct
    raws: Mapping[str, tuple[Any, ...]]
    inputs: Tensor | None
    notes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Pictures in all."""
        return self.task.rows * self.record.n

    @property
    def seeds(self) -> range:
        """The seed of each picture; empty where no chance is involved."""
        first = self.record.seed
        return range(first, first + self.count) if self.task.draws else range(0)

    def input_rows(self, start: int, stop: int) -> Tensor:
        """Some of the given pictures, on the model's device."""
        assert self.inputs is not None  # the task asks for some
        return self.inputs[start:stop].to(self._device())

    def _device(self) -> torch.device | None:
        """Where the model is; None for one without parameters."""
        return next((tensor.device for tensor in self.opened.module.parameters()), None)


class Task(ABC):
    """A request, as what is to be made of it.

    Args:
        request: What is asked, or the record of what was made.
    """

    draws = False
    """Whether noise is drawn, from seeds that count on."""
    counts = True
    """Whether `n` can be chosen."""
    in_rows = False
    """Whether the pictures of a row belong side by side in a grid."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @property
    def rows(self) -> int:
        """Rows of `n` pictures: one for each prompt, or for each input."""
        return max(1, len(self.request.prompts))

    @property
    def n(self) -> int:
        """Pictures per row."""
        return 1 if self.request.n is None else self.request.n

    @property
    def seed(self) -> int:
        """Seed of the first picture; 0 where none is drawn."""
        return 0

    def check(self) -> None:
        """Check all that needs no model.

        Raises:
            UsageError: The fields do not go with each other, or a number is out of range.
        """
        if not self.draws and self.request.seed is not None:
            raise UsageError("--seed does not go with --interpolate or --input: no noise is drawn")
        check_numbers(self.request, self.n, self.rows)

    @abstractmethod
    def require(self, opened: Opened) -> None:
        """Check that a model can do it.

        Raises:
            UsageError: It cannot; names those that can.
        """

    def check_options(self, plan: Plan) -> None:  # noqa: B027
        """Let the model refuse its options before anything is said or drawn.

        Raises:
            UsageError: They do not fit it.
            NotFittedError: It has nothing to sample from.
        """

    @abstractmethod
    def make(
        self,
        plan: Plan,
        conditions: Mapping[str, Tensor],
        start: int,
        stop: int,
        on_step: OnStep | None,
    ) -> Tensor:
        """Pictures `start` to `stop`, `[stop - start, C, H, W]`.

        Args:
            plan: What is made.
            conditions: Prepared conditions of these pictures, by name of the conditioner.
            start: The first picture.
            stop: One past the last.
            on_step: Told of each step of a model that samples in several.
        """

    def above(self, plan: Plan) -> Tensor | None:
        """What is shown above the pictures, or None."""
        return None

    def steps(self, pictures: Pictures) -> Tensor | None:
        """The pictures as steps of walks, `[steps, walks, C, H, W]`; None for no walk."""
        return None

    @property
    def stem(self) -> str:
        """What names a file after the model: the seed, the walk's ends, or the input."""
        return str(self.request.seed)

    def told(self, seeds: range) -> str:
        """The line that says what chance went into the pictures."""
        return "no seed: nothing is left to chance"


def require_codec(opened: Opened) -> None:
    """Raises:
    UsageError: The model cannot take a picture and give it back.
    """
    from genzoo_core.encoder import Codec

    if not isinstance(encoder_of(opened), Codec):
        raise no_encoder(opened)


def no_encoder(opened: Opened) -> UsageError:
    """The error for a model that cannot take a picture."""
    return UsageError(
        f"{opened.name} has no encoder: it cannot take a picture",
        "autoencoders and VAEs can: see `genzoo list --family autoencoder` and `--family vae`",
    )


def require_sampling(opened: Opened) -> None:
    """Raises:
    UsageError: It is no model that makes pictures from noise.
    """
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.model import GenerativeModel

    if isinstance(opened.module, Conditioner):
        raise UsageError(
            f"{opened.name} makes no pictures: it reads prompts for the models whose part it is",
            "`genzoo list` shows those",
        )
    if not isinstance(opened.module, GenerativeModel):
        raise UsageError(
            f"{opened.name} is not a generative model: it has nothing to sample from",
            "give it a picture with --input",
        )


def encoder_of(opened: Opened) -> Encoder | None:
    """The encoder of a model, or the encoder that it is; None where there is none."""
    from genzoo_core.encoder import Encoder
    from genzoo_core.model import GenerativeModel

    module = opened.module
    if isinstance(module, GenerativeModel):
        return module.codec
    return module if isinstance(module, Encoder) else None


def codec_of(opened: Opened) -> Codec:
    """The codec of a model that `require_codec` let pass."""
    return cast("Codec", encoder_of(opened))


def sampler_of(opened: Opened) -> GenerativeModel[msgspec.Struct]:
    """The model, which `require_sampling` let pass, as one that samples."""
    return cast("GenerativeModel[msgspec.Struct]", opened.module)


def condition_of(opened: Opened, conditions: Mapping[str, Tensor], n: int) -> Condition | None:
    """What a model's encoder and decoder are conditioned on; None for one that takes none."""
    from genzoo_core.model import GenerativeModel

    module = opened.module
    return module.condition(conditions, n) if isinstance(module, GenerativeModel) else None


def stem_of_input(request: Request) -> str:
    """The name of the first input without its suffix."""
    return Path(request.inputs[0].path).stem
