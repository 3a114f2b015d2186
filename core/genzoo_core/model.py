"""Noise to data.

What else a model can do are interfaces, which its class inherits from before
`GenerativeModel`: `Varying`, `Inpainting`, `Guided`, `Adaptable`, `Offloadable`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from genzoo_core.component import Context
from genzoo_core.conditioner import Condition, Conditioned, Conditioning, Conditions
from genzoo_core.config import NoOptions
from genzoo_core.encoder import Codec
from genzoo_core.request import Offload
from genzoo_core.rng import Rng
from genzoo_core.training import Trainable

OnStep = Callable[[int, int, Tensor], None]
"""Called as `on_step(step, total, x)` with the pictures so far, `[B, C, H, W]` in [-1, 1]."""


@dataclass(frozen=True)
class Start:
    """Pictures that a sampling begins from, in place of noise alone.

    Attributes:
        images: float32 `[B, C, H, W]` in [-1, 1].
        strength: How much of them becomes noise first, in [0, 1] (Meng et al. 2022, "SDEdit"):
            0 gives the pictures themselves, 1 what the seed gives without them.
        mask: bool `[B, 1, H, W]`, True where new pixels are made; None for everywhere.
    """

    images: Tensor
    strength: float
    mask: Tensor | None = None

    def encoded(self, codec: Codec) -> Start:
        """The same start for a model of the codec's latents, which then stand in `images`.

        A latent stays only where all pixels of its place do; one without places never stays. At
        strength 1, pixels under the mask have no effect.

        Args:
            codec: The codec.
        """
        images, mask = self.images, self.mask
        if mask is not None and self.strength == 1:
            stays = (~mask).to(images)
            mean = (images * stays).sum((2, 3), True) / stays.sum((2, 3), True).clamp_min(1)
            images = torch.where(mask, mean, images)
        latents = codec.encode(images).mode()
        if mask is not None:
            height, width = latents.shape[2:] if latents.dim() == 4 else (1, 1)
            mask = adaptive_max_pool2d(mask.float(), (height, width)) > 0
            mask = mask if latents.dim() == 4 else mask.reshape(-1, *[1] * (latents.dim() - 1))
        return Start(latents, self.strength, mask)

    def project(self, data: Tensor) -> Tensor:
        """`data`, `[B, ...]`, with the start's own outside of the mask.

        Args:
            data: Pictures or latents like `images`.
        """
        return data if self.mask is None else torch.where(self.mask, data, self.images.to(data))


OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)


class GenerativeModel(nn.Module, Trainable, Conditioned, Generic[OptionsT]):
    """Noise to data: what `genzoo run` runs.

    A subclass sets `Config` and `Options`, sets `sample_shape` in its constructor, and
    defines `sample` and `loss`.

    Args:
        context: Builds the conditioners that the model owns.
        condition_dim: D of the joined condition; "prepared" for a model that defines `condition`
            itself, from the prepared values; None for one that takes none.
        spatial: Whether it uses `Condition.spatial`; one that does not refuses conditioners with
            maps.

    Attributes:
        sample_shape: Shape of one picture, (C, H, W).
        codec: For reconstructing and encoding; None by default.
        conditioning: The conditioners and their projections.
    """

    Config: ClassVar[type[msgspec.Struct]]
    """The type of its config, which is stored with the weights."""

    Options: ClassVar[type[msgspec.Struct]] = NoOptions
    """The type of what can be set at each run."""

    sample_shape: tuple[int, int, int]

    def __init__(
        self,
        context: Context,
        condition_dim: int | Literal["prepared"] | None = None,
        *,
        spatial: bool = False,
    ) -> None:
        super().__init__()
        self.codec: Codec | None = None
        self.conditioning = Conditioning(context, condition_dim, spatial=spatial)
        self.conditioners = self.conditioning.by_name

    def condition(self, conditions: Conditions, n: int) -> Condition | None:
        """Prepared values as the condition of `n` images; None without conditioners.

        Args:
            conditions: Prepared values `[n, ...]` by the conditioners' names.
            n: How many images.
        """
        condition: Condition | None = self.conditioning(conditions, n)
        return condition

    def shape(self, options: OptionsT) -> tuple[int, int, int]:
        """Shape of one picture with these options; `sample_shape` where none of them says.

        Args:
            options: Of the type `Options`.
        """
        return self.sample_shape

    def check_options(self, options: OptionsT) -> None:
        """Refuse options that `sample` would refuse, before anything is printed or drawn.

        Args:
            options: Of the type `Options`.

        Raises:
            UsageError: They do not fit the model; names the valid ones.
            NotFittedError: The model has nothing to sample from.
        """

    @abstractmethod
    def sample(
        self, rng: Rng, conditions: Conditions, options: OptionsT, on_step: OnStep | None = None
    ) -> Tensor:
        """Pictures, float32 `[rng.n, C, H, W]` in [-1, 1].

        Picture i depends on sample i of `rng`, the only source of chance, and row i of `conditions`
        alone. `on_step` is called after each step of a model that has several.

        Args:
            rng: Says how many, and is the only source of chance.
            conditions: Prepared values `[rng.n, ...]` by the conditioners' names.
            options: Of the type `Options`.
            on_step: Called after each step of a model that has several, as
                `on_step(step, total, x)`.

        Raises:
            NotFittedError: The model has nothing to sample from.
        """


class Varying(ABC):
    """A model that can begin from pictures: `genzoo run --input X --strength 0.6`."""

    @abstractmethod
    def sample(
        self,
        rng: Rng,
        conditions: Conditions,
        options: Any,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
    ) -> Tensor:
        """Pictures, as of `GenerativeModel`; `start.mask` is None.

        Args:
            rng: As for `GenerativeModel`.
            conditions: As for `GenerativeModel`.
            options: As for `GenerativeModel`.
            on_step: As for `GenerativeModel`.
            start: The pictures to begin from, with a `mask` of None; None for noise alone.
        """


class Inpainting(Varying):
    """A model that also makes pixels that fit those outside of `start.mask`.

    Those are put back exactly at the end.
    """


class Adaptable(ABC):
    """A model that takes low-rank changes to its weights: `genzoo run --lora FILE`."""

    @abstractmethod
    def adapt(self, loras: Sequence[tuple[Mapping[str, Tensor], float]]) -> None:
        """Add changes to the weights, in place of those of before (Hu et al. 2022, "LoRA").

        Args:
            loras: Of each file its tensors by name, and its scale; none for the plain weights.

        Raises:
            UsageError: They change no weight that the model has.
        """


class Offloadable(ABC):
    """A model whose weights can wait on the CPU: `genzoo run --offload model`."""

    @abstractmethod
    def offload(self, mode: Offload, device: str) -> None:
        """Compute on a device, in place of the one before, and keep weights elsewhere until then.

        Args:
            mode: As in a `Request`; with one, inputs may lie on the CPU or on the device.
            device: Where to compute.

        Raises:
            UsageError: It cannot do so in this mode.
        """


class Guided(ABC):
    """A model that samples away from a condition: `genzoo run --negative TEXT`."""

    @abstractmethod
    def guidance(self, options: Any, *, asked: bool = True) -> float:
        """The scale of guidance: 1 where it is off, 0 where the condition has no effect.

        Args:
            options: Of the type `Options`.
            asked: Whether there is a prompt.

        Raises:
            UsageError: The options set a scale, and nothing can be guided.
        """

    @abstractmethod
    def sample(
        self,
        rng: Rng,
        conditions: Conditions,
        options: Any,
        on_step: OnStep | None = None,
        *,
        negative: Conditions | None = None,
    ) -> Tensor:
        """Pictures, as of `GenerativeModel`; `negative` replaces null in guidance.

        Args:
            rng: As for `GenerativeModel`.
            conditions: As for `GenerativeModel`.
            options: As for `GenerativeModel`.
            on_step: As for `GenerativeModel`.
            negative: Takes the place of null in guidance; None for null.
        """
