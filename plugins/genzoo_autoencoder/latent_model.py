"""What autoencoders and VAEs have in common: latents from a density, decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from genzoo_autoencoder.asking import with_typical
from genzoo_autoencoder.codec import NetworkCodec
from genzoo_autoencoder.config import FlowPriorConfig, LatentOptions, LearnedPrior
from genzoo_autoencoder.density import GaussianMixture
from genzoo_autoencoder.encoding import at, encode, encode_all, moments
from genzoo_autoencoder.flow_prior import FlowPrior
from genzoo_autoencoder.learned_density import LearnedDensity
from genzoo_autoencoder.second_stage import SecondStage
from genzoo_core import (
    Batch,
    ConfigError,
    Context,
    DataError,
    GenerativeModel,
    Guided,
    Noiser,
    NotFittedError,
    OnStep,
    Phase,
    Posterior,
    Rng,
    Stage,
    Start,
    UsageError,
    Varying,
)
from genzoo_core.sampler import StepDone

CONDITION_DIM = 64
"""Size of the joined condition vector that decoders are told."""

SHOWN = 5
"""Classes that a message names."""

PRIOR = "prior"
"""Name of the stage that trains a density, and of its phase."""


class LatentModel(Varying, Guided, GenerativeModel[LatentOptions]):
    """A codec, and the density that its latents are drawn from.

    A density is a Gaussian mixture for each class, where the first conditioner with classes has
    them, or a flow or a second VAE that is told all conditions. What is not asked is drawn as it
    occurs in the training data: there is no mixture of "no class", and nets know their null least
    well.

    Args:
        context: Names the conditioners.
    """

    Options = LatentOptions
    codec: NetworkCodec
    density: GaussianMixture | FlowPrior | SecondStage | None

    trained_prior: ClassVar[Literal["fitted", "standard-normal"]]
    """The prior of a model without a fitted density."""

    no_density: ClassVar[tuple[str, str]]
    """What to say, and to advise, where the fitted density is asked for and there is none."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, CONDITION_DIM)
        self._encoded: Posterior | None = None
        self.condition_dim = CONDITION_DIM if self.conditioners else None
        self.classes_from = next(
            (name for name, c in self.conditioners.items() if c.categories is not None), None
        )

    def build_density(
        self, context: Context, components: int, prior: LearnedPrior | None
    ) -> GaussianMixture | FlowPrior | SecondStage | None:
        """What is learnt, or the mixture of each class or the only one; None where none is given.

        Raises:
            ConfigError: Both are given.
        """
        if prior is not None:
            if components:
                raise ConfigError(
                    f"latents come from mixtures (components = {components}) or from what "
                    "is learnt (prior), not from both",
                    "leave one of them out",
                )
            shape = self.codec.latent_shape
            if isinstance(prior, FlowPriorConfig):
                return FlowPrior(prior, shape, context)
            return SecondStage(prior, shape, context)
        if not components:
            return None
        name = self.classes_from
        classes = 1 if name is None else self.conditioners[name].categories or 1
        (latent,) = self.codec.latent_shape
        return GaussianMixture(components, latent, classes)

    @property
    def learned(self) -> LearnedDensity:
        """The density of a model that learns one; only that has the stage "prior"."""
        assert isinstance(self.density, LearnedDensity)
        return self.density

    def check_options(self, options: LatentOptions) -> None:
        """Refuse what there is not: a density, one that was fitted, one that can be guided."""
        self.guidance(options)
        if self.prior(options) == "standard-normal":
            return
        if self.density is None:
            raise NotFittedError(*self.no_density)
        self.density.check_fitted()

    def prior(self, options: LatentOptions) -> str:
        """Where latents come from: what was asked for, or else what the model has."""
        return options.prior or (self.trained_prior if self.density is None else "fitted")

    def guidance(self, options: LatentOptions, *, prompted: bool = True) -> float:
        """The scale of guidance, whatever is asked.

        Raises:
            UsageError: Guidance is asked for, and latents do not come from a flow that is told
                a condition.
        """
        flow = self.density if self.prior(options) == "fitted" else None
        if not isinstance(flow, FlowPrior):
            flow = None
        if options.guidance is None:
            return 1.0 if flow is None else flow.config.guidance
        if options.guidance != 1 and (flow is None or not self.conditioners):
            why = "draws its latents without a flow" if flow is None else "takes no prompt"
            raise UsageError(f"this model {why}, so nothing can guide it", "leave out the guidance")
        return options.guidance

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: LatentOptions,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
        negative: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Decode latents drawn from the density, or from N(0, I); `on_step` sees a flow's steps.

        To begin from pictures, noise goes into their latents: see `latents`. They say themselves
        what they show: where nothing is asked, null, but for mixtures, which have no such.

        Raises:
            NotFittedError: The fitted density is asked for, and there is none.
            UsageError: Guidance is asked for, and there is nothing to guide.
        """
        negative = negative or {}
        told, against = with_typical(self.conditioners, conditions, rng, negative)
        decoded: Mapping[str, Tensor] = told
        if start is not None:
            start = start.encoded(self.codec)
            if start.strength < 1:
                decoded = conditions
                if isinstance(self.density, FlowPrior):
                    told, against = dict(conditions), dict(negative)
        condition = self.condition(decoded, rng.n)

        def step_done(step: int, total: int, z: Tensor) -> None:
            assert on_step is not None
            on_step(step, total, self.codec.decode(z, condition).clamp(-1, 1))

        z = self.latents(
            rng,
            options,
            told,
            against if conditions or negative else None,
            None if on_step is None else step_done,
            start,
        )
        return self.codec.decode(z, condition).clamp(-1, 1)

    def latents(
        self,
        rng: Rng,
        options: LatentOptions,
        conditions: Mapping[str, Tensor],
        against: Mapping[str, Tensor] | None = None,
        step_done: StepDone | None = None,
        start: Start | None = None,
    ) -> Tensor:
        """Latents to decode, `[rng.n, latent]`.

        A flow begins from other latents as diffusion does. Else they and drawn ones are added on
        a circle, which keeps the spread of latents of unit scale.

        Args:
            rng: Where chance comes from.
            options: How to draw them.
            conditions: Prepared values by name of the conditioner; mixtures want classes.
            against: What guidance leads away from; None for no guidance.
            step_done: Told of a flow's steps, with the latents that they predict.
            start: Latents to begin from; see `Start.encoded`.

        Raises:
            NotFittedError: The fitted density is asked for, and there is none.
            UsageError: Guidance is asked for, and there is nothing to guide.
        """
        guidance = self.guidance(options)
        if self.prior(options) == "fitted" and isinstance(self.density, FlowPrior):
            return self.density.sample(
                rng,
                conditions,
                against,
                guidance=1.0 if against is None else guidance,
                temperature=options.temperature,
                step_done=step_done,
                start=start,
            )
        z = self.drawn(rng, options, conditions)
        if start is None:
            return z
        stays: float = (1 - start.strength**2) ** 0.5
        return stays * start.images + start.strength * z

    def drawn(self, rng: Rng, options: LatentOptions, conditions: Mapping[str, Tensor]) -> Tensor:
        """Latents, `[rng.n, latent]`, of a prior that is no flow; as `latents`."""
        if self.prior(options) == "standard-normal":
            like = next(self.codec.parameters())
            return options.temperature * Noiser().prior(rng, self.codec.latent_shape, like)
        if self.density is None:
            raise NotFittedError(*self.no_density)
        if isinstance(self.density, SecondStage):
            return self.density.sample(rng, conditions, temperature=options.temperature)
        assert isinstance(self.density, GaussianMixture)  # a flow draws in steps
        classes = None if self.classes_from is None else conditions[self.classes_from]
        return self.density.sample(rng, options.temperature, classes)

    def staged(self, first: str) -> tuple[Stage, ...]:
        """The stage that trains the codec, and "prior" where there is a density to train after it.

        Args:
            first: Name of the codec's stage and of its phase.
        """
        trained = (*self.codec.parameters(), *self.conditioning.parameters())
        stages = (Stage(first, (Phase(first, trained),)),)
        if not isinstance(self.density, LearnedDensity):
            return stages
        return (*stages, Stage(PRIOR, (Phase(PRIOR, tuple(self.density.parameters())),)))

    def check_data(self, images: int, conditions: Mapping[str, Tensor]) -> None:
        """Refuse a class with fewer images than a mixture is fitted to.

        Raises:
            DataError: There is one; names it.
            TrainingError: The library that fits mixtures is missing.
        """
        if not isinstance(self.density, GaussianMixture):
            return
        self.density.check_library()
        least = self.density.least_points
        needed = f"each mixture of latents is fitted to {least} images or more"
        hint = "add images, or give the config fewer components, 0 for no mixtures"
        if self.classes_from is None:
            if images < least:
                raise DataError(f"{needed}, and there are {images}", hint)
            return
        conditioner = self.conditioners[self.classes_from]
        counts = conditions[self.classes_from].bincount(minlength=len(self.density.weights))
        few = (counts[: len(self.density.weights)] < least).nonzero()[:, 0].tolist()
        if few:
            shown = [f"{conditioner.category(i)} ({counts[i]})" for i in few[:SHOWN]]
            more = f" and {len(few) - SHOWN} more" if len(few) > SHOWN else ""
            raise DataError(
                f"{needed}, and these classes have fewer: {', '.join(shown)}{more}",
                f"{hint}, or leave those classes out of the recipe",
            )

    def prepare_stage(self, stage: Stage, batches: Iterable[Batch], *, resumed: bool) -> None:
        """Encode all images once, and tell the density how the latents are distributed."""
        self._encoded = encode_all(self.codec, batches)
        if not resumed:
            self.learned.standardize(*moments(self._encoded))

    def prior_loss(self, batch: Batch, rng: Rng) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The density's loss on latents drawn from the posteriors of a batch."""
        if self._encoded is None or batch.rows is None:
            posterior = encode(self.codec, batch.images)
        else:
            posterior = at(self._encoded, batch.rows)
        return self.learned.loss(posterior.sample(rng), batch.conditions, rng)

    def classes_of(self, batch: Batch) -> Tensor:
        """The class of each image of a batch, int64 `[B]`; 0 where there are no classes."""
        if self.classes_from is None:
            return torch.zeros(len(batch.images), dtype=torch.int64)
        return batch.conditions[self.classes_from]
