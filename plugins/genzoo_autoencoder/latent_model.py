"""What autoencoders and VAEs have in common: latents from a density, decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from genzoo_autoencoder.codec import NetworkCodec
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.density import GaussianMixture
from genzoo_core import Batch, Context, GenerativeModel, Noiser, NotFittedError, OnStep, Rng

CONDITION_DIM = 64
"""Size of the joined condition vector that decoders are told."""


class LatentModel(GenerativeModel[LatentOptions]):
    """A codec, and the density that its latents are drawn from.

    Where the first conditioner has classes, each has a mixture of its own. What is asked of no
    class is drawn from all, at their frequencies: the mixtures know the classes, there is none
    of "no class".

    Args:
        context: Names the conditioners.
    """

    Options = LatentOptions
    codec: NetworkCodec
    density: GaussianMixture | None

    trained_prior: ClassVar[Literal["fitted", "standard-normal"]]
    """The prior of a model without a fitted density."""

    no_density: ClassVar[tuple[str, str]]
    """What to say, and to advise, where the fitted density is asked for and there is none."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, CONDITION_DIM)
        self.condition_dim = CONDITION_DIM if self.conditioners else None
        self.classes_from = next(
            (name for name, c in self.conditioners.items() if c.categories is not None), None
        )

    def build_density(self, components: int, latent: int) -> GaussianMixture | None:
        """The mixture of each class, or the only one; None for no components."""
        if not components:
            return None
        name = self.classes_from
        classes = 1 if name is None else self.conditioners[name].categories or 1
        return GaussianMixture(components, latent, classes)

    def check_options(self, options: LatentOptions) -> None:
        """Refuse to draw from a density that there is not, or that was never fitted."""
        if self.prior(options) == "standard-normal":
            return
        if self.density is None:
            raise NotFittedError(*self.no_density)
        self.density.check_fitted()

    def prior(self, options: LatentOptions) -> str:
        """Where latents come from: what was asked for, or else what the model has."""
        return options.prior or (self.trained_prior if self.density is None else "fitted")

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: LatentOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Decode latents drawn from the density, or from N(0, I)."""
        conditions = dict(conditions)
        if self.classes_from is not None:
            conditions[self.classes_from] = self._classes(rng, conditions, self.classes_from)
        z = self.latents(rng, options, conditions)
        return self.codec.decode(z, self.condition(conditions, rng.n)).clamp(-1, 1)

    def _classes(self, rng: Rng, conditions: Mapping[str, Tensor], name: str) -> Tensor:
        """The class of each picture, int64 `[rng.n]`, none of them null."""
        typical = self.conditioners[name].typical(rng)
        if name not in conditions:
            return typical
        null = self.conditioners[name].null(rng.n)
        return torch.where(conditions[name].eq(null), typical, conditions[name])

    def latents(self, rng: Rng, options: LatentOptions, conditions: Mapping[str, Tensor]) -> Tensor:
        """Latents to decode, `[rng.n, latent]`.

        Raises:
            NotFittedError: The fitted density is asked for, and there is none.
        """
        if self.prior(options) == "standard-normal":
            like = next(self.codec.parameters())
            return options.temperature * Noiser().prior(rng, self.codec.latent_shape, like)
        if self.density is None:
            raise NotFittedError(*self.no_density)
        classes = None if self.classes_from is None else conditions[self.classes_from]
        return self.density.sample(rng, options.temperature, classes)

    def classes_of(self, batch: Batch) -> Tensor:
        """The class of each image of a batch, int64 `[B]`; 0 where there are no classes."""
        if self.classes_from is None:
            return torch.zeros(len(batch.images), dtype=torch.int64)
        return batch.conditions[self.classes_from]

    def trained(self) -> tuple[torch.nn.Parameter, ...]:
        """The parameters of the codec and of the conditioners."""
        return (*self.codec.parameters(), *self.conditioning.parameters())
