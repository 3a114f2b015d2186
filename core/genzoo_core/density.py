"""Densities over latents: where a model that decodes gets its latents from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core.component import Context
from genzoo_core.conditioner import Conditions
from genzoo_core.config import NoOptions
from genzoo_core.encoder import Posterior
from genzoo_core.errors import NotFittedError
from genzoo_core.model import Start
from genzoo_core.rng import Rng
from genzoo_core.sampler import StepDone


class Density(nn.Module, ABC):
    """A density over the latents of a codec: a component of kind "density".

    Once the codec is done learning, `fit` gets the latents of all training images. A density with
    parameters then learns them by `loss`, in a stage of the training called "prior". `sample`
    draws new ones, for the codec to decode.

    Args:
        config: Of the type `Config`.
        context: Has the shape of a latent, and names the model's conditioners; a density that is
            conditional may own them a second time (`genzoo_core.Conditioning`).

    Attributes:
        shape: Shape of a latent, without the batch.
        guidance: With what scale of guidance it samples unless a user sets one; None for a
            density that cannot be guided. One that can was trained with null, too.
    """

    Config: ClassVar[type[msgspec.Struct]] = NoOptions
    guidance: float | None = None

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        super().__init__()
        self.shape = context.latent_shape

    def check_fitted(self) -> None:
        """Refuse what was never fitted; called by `sample`, and before a run draws anything.

        Raises:
            NotFittedError: Its training, or that of the model around it, was not finished.
        """

    def check_data(self, images: int, conditions: Conditions) -> None:
        """Refuse training data that it could not be fitted to; see `Trainable.check_data`."""

    def fit(self, latents: Posterior, conditions: Conditions) -> None:
        """Fit to the posteriors of all training images, `[N, *shape]`, and a row of each condition.

        It fits what has a closed form, or the scale of latents, and writes into buffers whose
        shapes follow from the config. Does nothing unless overridden.

        Raises:
            TrainingError: They cannot be fitted.
        """

    def loss(
        self, z: Tensor, conditions: Conditions, rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """What a density with parameters minimises, a scalar, and figures to log.

        `z` are latents of a batch, `[B, *shape]`.
        """
        raise NotImplementedError(f"{type(self).__name__} has parameters, but no loss")

    @abstractmethod
    def sample(self, rng: Rng, conditions: Conditions, *, temperature: float = 1.0) -> Tensor:
        """Latents, `[rng.n, *shape]`. The i-th depends on the i-th sample of `rng` alone.

        `temperature` is the scale of the noise.

        Raises:
            NotFittedError: It was never fitted.
        """

    def sample_from(
        self,
        start: Start | None,
        rng: Rng,
        conditions: Conditions,
        *,
        negative: Conditions | None = None,
        guidance: float = 1.0,
        temperature: float = 1.0,
        step_done: StepDone | None = None,
    ) -> Tensor:
        """Latents, `[rng.n, *shape]`, that begin from others: what makes a model `Varying`.

        They and those that `sample` draws are added on a circle, which keeps the spread of
        latents of unit scale. A density that samples in steps overrides this.

        Args:
            start: Latents to begin from, in its `images`; None for noise alone.
            rng: As for `sample`.
            conditions: As for `sample`.
            temperature: As for `sample`.
            negative: What guidance leads away from, by name; null where None.
            guidance: Its scale; 1 is off.
            step_done: Called at each step with the latents that it predicts.

        Raises:
            NotFittedError: It was never fitted.
        """
        z = self.sample(rng, conditions, temperature=temperature)
        if start is None:
            return z
        stays: float = (1 - start.strength**2) ** 0.5
        return stays * start.images + start.strength * z


class FittedDensity(Density):
    """A density to fit before it can be sampled from; `fit` fills `fitted`, bool `[]`."""

    fitted: Tensor

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def check_fitted(self) -> None:
        if not self.fitted:
            raise NotFittedError(
                "the density over this model's latents was never fitted",
                "finish its training with `genzoo train … --resume`",
            )
