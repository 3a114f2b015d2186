"""What autoencoders and VAEs have in common: latents from a density, decoded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from genzoo_autoencoder.config import LatentConfig, LatentOptions
from genzoo_core import (
    Batch,
    Codec,
    Conditioner,
    Context,
    Density,
    GenerativeModel,
    Guided,
    NotFittedError,
    OnStep,
    Phase,
    Posterior,
    Progress,
    Rng,
    Stage,
    Start,
    UsageError,
    Varying,
)
from genzoo_core.encoding import at, encode, encode_all
from genzoo_core.sampler import StepDone

CONDITION_DIM = 64
"""D of the joined condition's vector that decoders take."""

PRIOR = "prior"
"""Name of the stage that trains a density, and of its phase."""


class LatentModel(Varying, Guided, GenerativeModel[LatentOptions]):
    """A codec, and the density that its latents are drawn from.

    A condition that is not set is drawn as it occurs in the training data: mixtures have no
    component for null, and networks learn null least well.

    A subclass builds its codec and says how that learns; its `stage_name` is the name of the
    codec's stage and phase.

    Attributes:
        density: What the config chooses; None where it chooses none.
        standard_normal: N(0, I), which can always be drawn from.
    """

    Options = LatentOptions
    codec: Codec
    density: Density | None

    trained_prior: ClassVar[Literal["fitted", "standard-normal"]]
    """The prior of a model without a density of its own."""

    no_density: ClassVar[tuple[str, str]]
    """Message and hint of the error where the fitted density is to be sampled and is missing."""

    def __init__(self, config: LatentConfig, context: Context) -> None:
        super().__init__(context, CONDITION_DIM)
        self.config = config
        self.sample_shape = config.shape
        self.condition_dim = CONDITION_DIM if self.conditioners else None
        self._encoded: Posterior | None = None
        self.codec = self.build_codec(context)

        def build(name: str, config: Mapping[str, object]) -> Density:
            shape = self.codec.latent_shape
            density: Density = context.component("density", name, config, latent_shape=shape)
            return density

        chosen = config.chosen_density
        self.density = None if chosen is None else build(chosen.component, chosen.config)
        self.standard_normal = build("genzoo/standard-normal", {})

    @abstractmethod
    def build_codec(self, context: Context) -> Codec:
        """The codec, as the config describes it."""

    @abstractmethod
    def codec_loss(
        self, batch: Batch, rng: Rng, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The loss of the codec's stage; as `loss`."""

    def settle(self, latents: Posterior) -> Posterior:
        """Fix what the codec takes from the posteriors of all images, `[N, *latent]`, once trained.

        Returns what the codec gives of these images from now on.
        """
        return latents

    def check_options(self, options: LatentOptions) -> None:
        """Refuse a density that is missing or not fitted, and guidance without effect."""
        self.guidance(options)
        self.density_of(options).check_fitted()

    def prior(self, options: LatentOptions) -> str:
        """Where latents come from: "fitted" or "standard-normal"."""
        return options.prior or (self.trained_prior if self.density is None else "fitted")

    def density_of(self, options: LatentOptions) -> Density:
        """The density that latents are drawn from.

        Raises:
            NotFittedError: It would be the fitted one, and the model has none.
        """
        if self.prior(options) == "standard-normal":
            return self.standard_normal
        if self.density is None:
            raise NotFittedError(*self.no_density)
        return self.density

    def guidance(self, options: LatentOptions, *, asked: bool = True) -> float:
        """The scale of guidance, with or without a prompt.

        Raises:
            UsageError: The options set one, and the density cannot be guided.
        """
        density = self.density if self.prior(options) == "fitted" else None
        own = None if density is None else density.guidance
        if options.guidance is None:
            return 1.0 if own is None else own
        if options.guidance != 1 and (own is None or not self.conditioners):
            why = "draws its latents without a flow" if own is None else "takes no prompt"
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
        """Decode latents drawn from the density; `on_step` sees the steps of one that has some.

        Pictures to begin from get noise into their latents, and a condition that is not set is
        then null, but for densities without null: the pictures say what they show.

        Raises:
            NotFittedError: The fitted density is to be sampled, and there is none.
            UsageError: The options set guidance, and nothing can be guided.
        """
        negative = negative or {}
        complete, against = with_typical(self.conditioners, conditions, rng, negative)
        seen: Mapping[str, Tensor] = complete
        if start is not None:
            start = start.encoded(self.codec)
            if start.strength < 1:
                seen = conditions
                if self.density is not None and self.density.guidance is not None:
                    complete, against = dict(conditions), dict(negative)
        condition = self.condition(seen, rng.n)

        def decoded(z: Tensor) -> Tensor:
            return self.codec.decode(z, condition).clamp(-1, 1)

        away = against if conditions or negative else None
        each = on_step and (lambda step, total, z: on_step(step, total, decoded(z)))
        return decoded(self.latents(rng, options, complete, away, each, start))

    def latents(
        self,
        rng: Rng,
        options: LatentOptions,
        conditions: Mapping[str, Tensor],
        against: Mapping[str, Tensor] | None = None,
        step_done: StepDone | None = None,
        start: Start | None = None,
    ) -> Tensor:
        """Latents to decode, `[rng.n, *latent]`; arguments and errors as of `Density.sample_from`.

        Without `against`, which guidance leads away from, nothing is guided.
        """
        guidance = self.guidance(options)
        z = self.density_of(options).sample_from(
            start,
            rng,
            conditions,
            negative=against,
            guidance=1.0 if against is None else guidance,
            temperature=options.temperature,
            step_done=step_done,
        )
        return z.to(next(self.codec.parameters()))

    def stages(self) -> tuple[Stage, ...]:
        """The codec's stage, and "prior" where the density has parameters to train after it."""
        trained = (*self.codec.parameters(), *self.conditioning.parameters())
        stages = (Stage(self.stage_name, (Phase(self.stage_name, trained),)),)
        learnt = () if self.density is None else tuple(self.density.parameters())
        return (*stages, Stage(PRIOR, (Phase(PRIOR, learnt),))) if learnt else stages

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The codec's loss; in the phase "prior" the density's, on draws from the posteriors."""
        if phase.name != PRIOR:
            return self.codec_loss(batch, rng, progress)
        if self._encoded is None or batch.rows is None:
            latents = encode(self.codec, batch.images)
        else:
            latents = at(self._encoded, batch.rows)
        assert self.density is not None  # or there were no such phase
        return self.density.loss(latents.sample(rng), batch.conditions, rng)

    def check_data(self, images: int, conditions: Mapping[str, Tensor]) -> None:
        """Refuse data that the density could not be fitted to."""
        if self.density is not None:
            self.density.check_data(images, conditions)

    def prepare_stage(self, stage: Stage, batches: Iterable[Batch], *, resumed: bool) -> None:
        """Encode all images once, and fit the density to them before it learns the rest."""
        if resumed:
            self._encoded, _ = encode_all(self.codec, batches)
        else:
            self._encoded = self._fit(batches)

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Fit a density that has no stage of its own."""
        if len(self.stages()) == 1:
            self._fit(batches)

    def _fit(self, batches: Iterable[Batch]) -> Posterior:
        latents, conditions = encode_all(self.codec, batches)
        latents = self.settle(latents)
        if self.density is not None:
            self.density.fit(latents, conditions)
        return latents


def with_typical(
    conditioners: Mapping[str, Conditioner],
    conditions: Mapping[str, Tensor],
    rng: Rng,
    negative: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Conditions with what is typical of the training data in the place of null.

    Args:
        conditioners: Those of the model, by name.
        conditions: Prepared values by name, each `[rng.n, ...]`; a missing one is null.
        rng: Draws what is typical, whatever the conditions: the noise that follows is a seed's own.
        negative: As `conditions`, what the pictures shall not be.

    Returns:
        Conditions in which nothing is null, and the same with the negative, or else null, in the
        place of those that were set. Guidance leads from the second to the first, and does not
        exaggerate what was only drawn. Beside a negative alone, null stays: what is typical could
        be the very negative.
    """
    complete, against = dict(conditions), {}
    for name, conditioner in conditioners.items():
        null = conditioner.null(rng.n)
        value = conditions.get(name, null)
        typical, null = conditioner.typical(rng).to(value), null.to(value)
        unset = value.eq(null).reshape(rng.n, -1).all(1)
        unset = unset.reshape(-1, *[1] * (value.dim() - 1))
        complete[name] = torch.where(unset, typical, value)
        against[name] = torch.where(unset, typical, null)
        if name in negative:
            complete[name], against[name] = value, negative[name].to(value)
    return complete, against
