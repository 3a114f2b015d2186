"""The generative adversarial network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from genzoo_core import (
    Batch,
    ConfigError,
    Context,
    GenerativeModel,
    Noiser,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
    all_rows,
    share_of,
)
from genzoo_core.ranks import current_share
from genzoo_gan.augmentation import Change, draw_change
from genzoo_gan.config import ConvConfig, GANConfig, GANOptions, ZeroCentredPenalty
from genzoo_gan.losses import LOSSES, mismatched
from genzoo_gan.networks import Discriminator, build_discriminator, build_generator
from genzoo_gan.penalties import one_centred, squared_norms, zero_centred

COLLAPSED = 0.5
"""Spread of the fakes, relative to that of the reals, below which a generator is collapsing."""

ALIKE = 0.25
"""Mean spread below which the generator has collapsed: its pictures are nearly the same."""

SURE = 9.2
"""Mean distance of the discriminator's outputs on reals and fakes, as logits, at which it is right
about both in 99 of 100 cases."""

SETTLED = 0.1
"""Share of the training after which a generator should make different pictures."""


class GAN(GenerativeModel[GANOptions]):
    """A generator against a discriminator (Goodfellow et al. 2014, "Generative adversarial nets").

    A condition that is not set is drawn as it occurs in the training data: a GAN's null is weak,
    for only the discriminator teaches it what "any picture" looks like.

    Attributes:
        generator: Noise and condition to images.
        discriminator: Images and condition to an output; None unless the model is to be trained.
    """

    Config = GANConfig
    Options = GANOptions

    def __init__(self, config: GANConfig, context: Context) -> None:
        # The tutorial's networks are as they were published, without conditions.
        width = config.network.embedding if isinstance(config.network, ConvConfig) else None
        super().__init__(context, width)
        self.config = config
        self.sample_shape = config.shape
        dim = (width or 0) if self.conditioners else 0
        self.generator = build_generator(config.network, config.shape, config.latent, dim)
        for name, weight in (("mismatched", config.mismatched), ("paired", config.paired)):
            if weight and not self.conditioners:
                raise ConfigError(
                    f"`{name}` needs conditions, and this model has no conditioner",
                    f"set {name} = 0",
                )
        self.play_for = LOSSES[config.loss]
        self.discriminator: Discriminator | None = None
        if context.training:
            self.discriminator = build_discriminator(
                config.network, config.shape, dim, self.play_for.probabilities
            )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: GANOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """One pass of the generator."""
        z = options.temperature * self.noise(rng)
        complete = dict(conditions)
        for name, conditioner in self.conditioners.items():
            if name not in complete:
                complete[name] = conditioner.typical(rng)
        images: Tensor = self.generator(z, self.vector(complete, rng.n))
        return images

    def noise(self, rng: Rng) -> Tensor:
        """What the generator starts from, `[rng.n, latent]`."""
        like = next(self.generator.parameters())
        return Noiser().prior(rng, (self.config.latent,), like)

    def vector(self, conditions: Mapping[str, Tensor], n: int) -> Tensor | None:
        """The vector of the joined condition, `[n, D]`; None without conditioners."""
        condition = self.condition(conditions, n)
        return None if condition is None else condition.vector

    def discriminate(self, images: Tensor, vector: Tensor | None) -> Tensor:
        """The discriminator's outputs, `[B]`.

        The condition is the generator's: the discriminator sees it, and does not change it.
        """
        assert self.discriminator is not None  # there is one in training, when this is called
        out: Tensor = self.discriminator(images, None if vector is None else vector.detach())
        return out

    def stages(self) -> tuple[Stage, ...]:
        """The stage "adversarial", with the phases "discriminator" and "generator".

        Where pairs count, a stage "pairs" with a phase of the same name comes first.
        """
        assert self.discriminator is not None
        generator = (*self.generator.parameters(), *self.conditioning.parameters())
        phases = (
            Phase("discriminator", tuple(self.discriminator.parameters())),
            Phase("generator", generator),
        )
        pairs = (Stage("pairs", (Phase("pairs", generator),)),) if self.config.paired else ()
        return (*pairs, Stage("adversarial", phases))

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The loss of one side, and figures that show how the training goes.

        The discriminator's figures: its mean output on reals and fakes, "D(real)" and "D(fake)",
        on reals with the prompts of others, "D(mismatched)"; its mean squared gradient norms "r1"
        and "r2" at steps with a penalty. The generator's: "gradient", the mean norm of the loss's
        gradient with respect to an image, which vanishes where the discriminator is too sure;
        "spread", how much its images vary within a batch, relative to the reals; "collapsed", 1
        where that is too little; "paired", its images' distance from the reals of the same
        conditions.
        """
        if phase.name == "pairs":
            fakes = self.generator(self.noise(rng), self.vector(batch.conditions, rng.n))
            distance = (fakes - batch.images).abs().mean()
            return distance, {"paired": distance.detach()}
        side = self._discriminator_loss if phase.name == "discriminator" else self._generator_loss
        return side(batch, rng, progress)

    def diagnose(
        self, stage: Stage, figures: Mapping[str, float], progress: Progress
    ) -> Mapping[str, str]:
        """A collapse of the generator, and a discriminator that it cannot learn from."""
        signs = {}
        if progress.fraction >= SETTLED and figures.get("spread", 1.0) < ALIKE:
            signs["collapse"] = (
                "the pictures of a batch are nearly the same: they vary "
                f"{figures['spread']:.2f} times as much as real ones; "
                "try a smaller learning rate, or a stronger penalty (R1)"
            )
        if "D(real)" in figures and self.config.loss != "wasserstein":  # whose critic has no bound
            real, fake = figures["D(real)"], figures["D(fake)"]
            sure = real > 0.99 and fake < 0.01
            if not self.play_for.probabilities:
                sure = real - fake > SURE
            if sure:
                signs["discriminator"] = (
                    "the discriminator is right about every picture, so the generator learns "
                    "nothing; try a stronger penalty (R1), `augment`, or a smaller learning rate"
                )
        return signs

    def _discriminator_loss(
        self, batch: Batch, rng: Rng, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        reals, vector = batch.images, self.vector(batch.conditions, rng.n)
        with torch.no_grad():
            fakes = self.generator(self.noise(rng), vector)
        change = self._change(rng, progress, reals)
        penalty = self.config.penalty
        if penalty is not None and progress.step % penalty.every:
            penalty = None
        images = torch.cat([reals, fakes])
        if isinstance(penalty, ZeroCentredPenalty):
            images.requires_grad_()
        changed = torch.cat([change(half) for half in images.chunk(2)])
        assert self.discriminator is not None  # there is one in training, when this is called
        features = self.discriminator.read(changed)
        beside = None if vector is None else vector.detach().repeat(2, 1)
        output = self.discriminator.judge(features, beside)
        real, fake = output.chunk(2)
        loss = self.play_for.discriminator(real, fake)
        figures: dict[str, Tensor | float] = {
            "D(real)": real.detach().mean(),
            "D(fake)": fake.detach().mean(),
        }
        if self.config.mismatched:
            complete = self.conditioning.complete(batch.conditions, rng.n)
            conditions, wrong = mismatched(complete, self.conditioners)
            other = self.vector(conditions, rng.n)
            assert other is not None  # the constructor saw a conditioner
            opinion = self.discriminator.judge(features[: rng.n], other.detach())
            share = share_of(wrong)
            if wrong.any():
                extra = share * self.play_for.discriminator(real[wrong], opinion[wrong])
                loss = loss + self.config.mismatched * extra
                figures["D(mismatched)"] = share * opinion[wrong].detach().mean()
        if isinstance(penalty, ZeroCentredPenalty):
            on_reals, on_fakes = squared_norms(output, images).chunk(2)
            extra = zero_centred(penalty, progress, on_reals, on_fakes)
            loss = loss + penalty.every * extra
            figures |= {"r1": on_reals.detach().mean(), "r2": on_fakes.detach().mean()}
        elif penalty is not None:
            extra = one_centred(
                penalty, lambda x: self.discriminate(change(x), vector), reals, fakes, rng
            )
            loss = loss + penalty.every * extra
            figures["penalty"] = extra.detach()
        return loss, figures

    def _generator_loss(
        self, batch: Batch, rng: Rng, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        reals, vector = batch.images, self.vector(batch.conditions, rng.n)
        change = self._change(rng, progress, reals)
        fakes = self.generator(self.noise(rng), vector)
        # The chain rule by hand, cut at the images: the same gradients for the generator, and
        # the one with respect to the images can be logged.
        images = fakes.detach().requires_grad_()
        loss = self.play_for.generator(
            self.discriminate(change(images), vector),
            lambda: torch.no_grad()(self.discriminate)(change(reals), vector),
        )
        (gradient,) = torch.autograd.grad(loss, images)
        through = (fakes * gradient).sum()
        norms = len(fakes) * gradient.flatten(1).norm(dim=1)
        figures: dict[str, Tensor | float] = {"gradient": norms.mean()}
        share = current_share()
        if share is None or share.parts == 1:  # a part does not say how the batch varies
            both: Sequence[Tensor] = (fakes.detach(), reals)
            if share is not None:
                both = all_rows(torch.stack((fakes.detach(), reals), 1)).unbind(1)
            made, real = (images.var(0, correction=0).mean() for images in both)
            spread = (made / real.clamp_min(1e-12)).sqrt()
            figures |= {"spread": spread, "collapsed": (spread < COLLAPSED).float()}
        value = loss.detach() + through - through.detach()
        if self.config.paired:
            distance = (fakes - reals).abs().mean()
            value = value + self.config.paired * distance
            figures["paired"] = distance.detach()
        return value, figures

    def _change(self, rng: Rng, progress: Progress, like: Tensor) -> Change:
        if self.config.augment is None:
            return lambda images: images
        return draw_change(self.config.augment, progress, rng, like)
