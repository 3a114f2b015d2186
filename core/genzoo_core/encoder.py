"""Data to latent, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core.conditioner import Condition
from genzoo_core.errors import ConfigError
from genzoo_core.noiser import Noiser
from genzoo_core.rng import Rng


@dataclass(frozen=True)
class Posterior:
    """The distribution of the latent, conditional on the data: a diagonal normal, or a point.

    Attributes:
        mean: `[B, *latent]`; int64 where latents are codes, which are always points.
        std: Standard deviation, `[B, *latent]`, or None for a deterministic encoder.
    """

    mean: Tensor
    std: Tensor | None = None

    def sample(self, rng: Rng) -> Tensor:
        """A draw by the reparameterisation trick, `[B, *latent]`; the mean of a point.

        Args:
            rng: Of B samples.
        """
        if self.std is None:
            return self.mean
        noise = rng.normal(self.mean.shape[1:], self.mean)
        return Noiser().perturb(self.mean, noise, self.std)

    def mode(self) -> Tensor:
        """The most likely latent, `[B, *latent]`."""
        return self.mean

    def kl(self) -> Tensor:
        """KL divergence to N(0, I) in nats, `[B]` (Kingma & Welling 2014, appendix B).

        Raises:
            ValueError: It is infinite for a deterministic encoder, and not defined for codes.
        """
        return self.kl_per_dimension().flatten(1).sum(1)

    def kl_per_dimension(self) -> Tensor:
        """The summands of `kl`, `[B, *latent]`, for free bits."""
        if not self.mean.is_floating_point():
            raise ValueError("codes have no KL divergence to a normal")
        if self.std is None:
            raise ValueError("a deterministic encoder has no KL divergence to a normal")
        variance = self.std.square()
        return 0.5 * (self.mean.square() + variance - 1 - variance.log())


class Encoder(nn.Module, ABC):
    """Data to latent.

    A backbone that serves as a feature net is an `Encoder` whose posterior is a point.
    """

    Config: ClassVar[type[msgspec.Struct]]
    """The type of its config, which a subclass sets: a frozen struct of its own."""

    latent_shape: tuple[int, ...]
    """Shape of one latent, without the batch."""

    codebook_size: int | None = None
    """K of an encoder whose latents are codes, int64 in [0, K) (van den Oord et al. 2017,
    "Neural discrete representation learning"); None where they are real numbers."""

    @abstractmethod
    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """The latent's distribution for images `x`, float `[B, C, H, W]` in [-1, 1].

        Args:
            x: Images, float `[B, C, H, W]` in [-1, 1].
            condition: Of as many rows, for an encoder that is conditional.
        """


class Codec(Encoder):
    """An encoder with a decoder.

    A latent's scale and shift belong to the codec, as buffers: another model can learn the
    latents of `encode` and `decode` as they are.
    """

    @abstractmethod
    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        """Images `[B, C, H, W]` for latents `z`, `[B, *latent_shape]`; may leave [-1, 1].

        Args:
            z: Latents, `[B, *latent_shape]`.
            condition: As for `encode`.
        """

    def reconstruct(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """Images decoded from the mode of the posterior, `[B, C, H, W]` in [-1, 1].

        Args:
            x: As for `encode`.
            condition: As for `encode`.
        """
        return torch.clamp(self.decode(self.encode(x, condition).mode(), condition), -1, 1)


def check_continuous(encoder: Encoder, user: str) -> None:
    """Refuse an encoder with discrete codes where a user, such as "diffusion", needs real numbers.

    Raises:
        ConfigError: Its latents are codes.
    """
    if encoder.codebook_size is not None:
        raise ConfigError(
            f"{user} needs latents that are real numbers, and those of "
            f"{type(encoder).__name__} are {encoder.codebook_size} discrete codes",
            "use a codec with continuous latents",
        )
