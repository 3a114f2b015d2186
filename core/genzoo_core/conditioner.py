"""Prompts and labels as tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core.component import Context
from genzoo_core.errors import ConfigError, did_you_mean
from genzoo_core.rng import Rng

Conditions = Mapping[str, Tensor]
"""Prepared values by name of the conditioner, each `[B, ...]`; a missing one is null."""


@dataclass(frozen=True)
class Condition:
    """The condition of a network.

    Attributes:
        vector: `[B, D]`.
        tokens: `[B, T, D]`, or None.
        mask: `[B, T]`, True where a token counts; None where all do.
        spatial: `[B, D, H, W]`, a map of the picture, such as a mask or another picture; or None.
    """

    vector: Tensor
    tokens: Tensor | None = None
    mask: Tensor | None = None
    spatial: Tensor | None = None

    def rows(self, rows: slice) -> Condition:
        """The condition of some images of the batch.

        Args:
            rows: Which images.
        """
        parts = (self.tokens, self.mask, self.spatial)
        return Condition(self.vector[rows], *(None if p is None else p[rows] for p in parts))


class Conditioner(nn.Module, ABC):
    """Turns prompts or labels into a `Condition`, in three steps.

    `parse` reads the command line, `prepare` turns raw values into one tensor with a row per
    image (which needs no weights, so a training prepares its data once), `forward` embeds it.
    Null, no condition at all, is a prepared value as well; its embedding is trained through
    `drop`.
    """

    Config: ClassVar[type[msgspec.Struct]]
    """The type of its config, which a subclass sets: a frozen struct of its own."""

    vector_dim: int
    """D of the vector in a `Condition`."""

    token_dim: int | None = None
    """D of the tokens, or None where there are none."""

    spatial_dim: int | None = None
    """D of the map, or None where there is none. A model that cannot use one refuses it."""

    categories: int | None = None
    """Number of values, where prepared rows are ids, int64 `[B]` from 0, and null is the id
    `categories`; None for a conditioner of another sort."""

    @abstractmethod
    def parse(self, text: str) -> object:
        """The raw value that `text`, from the command line, stands for.

        Args:
            text: A prompt, or what `--set NAME=TEXT` gives.

        Raises:
            UsageError: Not a value of this conditioner; names the valid ones.
        """

    @abstractmethod
    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Validate raw values, one per image, and turn them into a tensor `[B, ...]`.

        They come from `parse`, or from a dataset's column. `rng` is for random values ("random").

        Args:
            raw: Values, one per image.
            rng: For random values ("random"); it has as many samples.

        Raises:
            UsageError: A value is out of range or of the wrong type; names the valid ones.
        """

    @abstractmethod
    def forward(self, prepared: Tensor) -> Condition:
        """Embed prepared values, `[B, ...]`.

        Args:
            prepared: What `prepare` gave.
        """

    @abstractmethod
    def null(self, n: int) -> Tensor:
        """`n` prepared rows of null, `[n, ...]`.

        Args:
            n: How many.
        """

    def typical(self, rng: Rng) -> Tensor:
        """`rng.n` prepared rows as they occur in the training data, `[rng.n, ...]`.

        A model whose null is weak samples with these where there is no prompt. Null by default.

        Args:
            rng: Says how many, and is the only source of chance.
        """
        return self.null(rng.n)

    def category(self, index: int) -> str:
        """The name of a category in messages: from the config's `classes`, or its number.

        Args:
            index: From 0 to `categories - 1`.
        """
        names = getattr(getattr(self, "config", None), "classes", ())
        return str(names[index]) if index < len(names) else str(index)

    def drop(self, prepared: Tensor, rng: Rng, probability: float) -> Tensor:
        """`prepared`, with each row replaced by null at this probability.

        This trains null (Ho & Salimans 2022, "Classifier-free diffusion guidance", algorithm 1).

        Args:
            prepared: Rows `[B, ...]`.
            rng: Of as many samples.
            probability: Of each row, in [0, 1].
        """
        dropped = rng.uniform((), torch.empty(0, device=prepared.device)) < probability
        rows = dropped.reshape(-1, *([1] * (prepared.dim() - 1)))
        return torch.where(rows, self.null(len(prepared)).to(prepared), prepared)


class Conditioned:
    """A module that owns the conditioners that its context names.

    Every model is one, and a net that learns labels or captions. A class with this interface is a
    `torch.nn.Module` as well.
    """

    conditioners: Mapping[str, Conditioner]
    """By name; the first reads the prompt, the others default to null."""


def conditioners_of(module: nn.Module) -> Mapping[str, Conditioner]:
    """The conditioners of a module by name; none of one that is not `Conditioned`."""
    return module.conditioners if isinstance(module, Conditioned) else {}


class Conditioning(nn.Module):
    """The named conditioners of a model, joined into one `Condition`.

    Vectors are projected to a common size and added; tokens are projected and concatenated; maps
    are projected place by place, by a 1×1 convolution, and added, so they need one height and one
    width. Where the model's network embeds prepared values itself, class ids for example, nothing
    is joined: `complete` gives the values, and the conditioners' own embeddings, which nothing
    uses, are frozen.

    Args:
        context: Names the conditioners and builds them.
        dim: D of the joined vector and tokens; "prepared" where the network embeds prepared
            values itself; None where the model takes no condition.
        spatial: Whether the model uses maps.

    Raises:
        ConfigError: A conditioner, or its map, is of no use to the model.
    """

    def __init__(
        self,
        context: Context,
        dim: int | Literal["prepared"] | None,
        *,
        spatial: bool = False,
    ) -> None:
        super().__init__()
        specs = context.conditioners
        if specs and dim is None:
            raise ConfigError(f"this model takes no conditioner, but got {', '.join(specs)}")
        self.dim = dim
        self.conditioners = nn.ModuleDict()
        # The same as a plain dict: typed, and without a second name for their tensors.
        self.by_name: dict[str, Conditioner] = {}
        self.vectors = nn.ModuleDict()
        self.tokens = nn.ModuleDict()
        self.spatial = nn.ModuleDict()
        for name, spec in specs.items():
            conditioner = context.component("conditioner", spec.component, spec.config)
            self.conditioners[name] = self.by_name[name] = conditioner
            if conditioner.spatial_dim is not None and not spatial:
                raise ConfigError(
                    f"this model cannot use the map that conditioner {name!r} gives",
                    "choose a model that can, such as genzoo/diffusion with a U-Net",
                )
            if dim == "prepared":
                conditioner.requires_grad_(False)
                continue
            assert dim is not None
            self.vectors[name] = nn.Linear(conditioner.vector_dim, dim)
            if conditioner.token_dim is not None:
                self.tokens[name] = nn.Linear(conditioner.token_dim, dim)
            if conditioner.spatial_dim is not None:
                self.spatial[name] = nn.Conv2d(conditioner.spatial_dim, dim, 1)

    def complete(self, conditions: Conditions, n: int) -> dict[str, Tensor]:
        """`conditions` for `n` images, with null for each conditioner that is missing.

        Args:
            conditions: Prepared values `[n, ...]` by the conditioners' names.
            n: How many images.

        Raises:
            ConfigError: A name that no conditioner has.
        """
        for name in conditions:
            if name not in self.conditioners:
                names = ", ".join(self.conditioners) or "none"
                hint = did_you_mean(name, self.conditioners)
                raise ConfigError(f"no conditioner {name!r}; the model has {names}", hint)
        return {
            name: conditions[name] if name in conditions else conditioner.null(n)
            for name, conditioner in self.by_name.items()
        }

    def forward(self, conditions: Conditions, n: int) -> Condition | None:
        """The joined condition for `n` images; None for a model without conditioners.

        Args:
            conditions: As for `complete`.
            n: How many images.

        Raises:
            ConfigError: The maps of two conditioners differ in height or width.
            TypeError: The model's network embeds prepared values itself.
        """
        if self.dim == "prepared":
            raise TypeError("nothing is joined here: define `condition`, from `complete`")
        vector: Tensor | None = None
        tokens: list[Tensor] = []
        masks: list[Tensor] = []
        maps: dict[str, Tensor] = {}
        for name, prepared in self.complete(conditions, n).items():
            projection = self.vectors[name]
            assert isinstance(projection, nn.Linear)
            part: Condition = self.conditioners[name](prepared.to(projection.weight.device))
            projected = projection(part.vector)
            vector = projected if vector is None else vector + projected
            if part.tokens is not None:
                tokens.append(self.tokens[name](part.tokens))
                everything = torch.ones(part.tokens.shape[:2], dtype=torch.bool)
                masks.append(everything if part.mask is None else part.mask)
            if part.spatial is not None:
                maps[name] = self.spatial[name](part.spatial)
        if vector is None:
            return None
        spatial = _added(maps) if maps else None
        if not tokens:
            return Condition(vector, spatial=spatial)
        joined = torch.cat([mask.to(vector.device) for mask in masks], 1)
        return Condition(vector, torch.cat(tokens, 1), joined, spatial)


def _added(maps: Mapping[str, Tensor]) -> Tensor:
    """The sum of projected maps, `[B, D, H, W]` each, by name of the conditioner."""
    (first, total), *others = maps.items()
    for name, other in others:
        if other.shape != total.shape:
            sizes = [f"{m.shape[2]}×{m.shape[3]}" for m in (total, other)]
            raise ConfigError(
                f"the map of conditioner {first!r} is {sizes[0]}, that of {name!r} {sizes[1]}",
                "give them one size",
            )
        total = total + other
    return total
