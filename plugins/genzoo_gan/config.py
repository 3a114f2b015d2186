"""Configs and options of the GAN. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config
from genzoo_core.layers.config import MLPConfig
from genzoo_core.ranges import Blocks, ImageShape, Share, Temperature, Weight, Width, check_sides

Every = Annotated[int, msgspec.Meta(ge=1, le=1000)]
LossName = Literal[
    "cross-entropy", "minimax", "non-saturating", "hinge", "wasserstein", "relativistic"
]


class ConvConfig(Config, tag="conv"):
    """Residual convolutional networks at a half and a quarter of the image's size.

    Attributes:
        width: The generator's channels at half size; twice as many at a quarter.
        blocks: The generator's residual blocks at each size.
        critic_width: The discriminator's channels at half size; twice as many at a quarter.
        critic_blocks: The discriminator's residual blocks at each size.
        hidden: Width of the fully connected layer that the generator begins with and the
            discriminator ends with.
        depth: Residual blocks of that width which the generator has there (cf. the mapping
            network of Karras et al. 2019), for prompts that have little in common.
        embedding: D of the condition's vector.
    """

    width: Width = 32
    blocks: Blocks = 1
    critic_width: Width = 32
    critic_blocks: Blocks = 1
    hidden: Width = 256
    depth: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    embedding: Width = 64


Network = MLPConfig | ConvConfig


class ZeroCentredPenalty(Config, tag="zero-centred"):
    """Half of gamma times the squared norm of the discriminator's gradient (Mescheder et al. 2018).

    Attributes:
        on: Where it is taken: on "reals" it is R1, on "fakes" R2.
        gamma: Its weight at the start of the training.
        final_gamma: Where the weight falls to, along half a cosine.
        every: It is taken at every `every`-th step, that many times as heavy (Karras et al. 2020,
            "Analyzing and improving the image quality of StyleGAN", section 3.1).
    """

    on: Annotated[
        tuple[Literal["reals", "fakes"], ...], msgspec.Meta(min_length=1, max_length=2)
    ] = ("reals", "fakes")
    gamma: Weight = 0.05
    final_gamma: Weight = 0.005
    every: Every = 1


class GradientPenalty(Config, tag="one-centred"):
    """The gradient's norm held near 1 between reals and fakes (Gulrajani et al. 2017, equation 3).

    Attributes:
        weight: Lambda.
        every: It is taken at every `every`-th step, that many times as heavy.
    """

    weight: Weight = 10.0
    every: Every = 1


Penalty = ZeroCentredPenalty | GradientPenalty


class AugmentConfig(Config):
    """How pictures are changed before the discriminator sees them; see `augmentation.py`.

    Attributes:
        probability: Of each change, at the end of its rise.
        ramp: Share of the training over which the probability rises from 0; 0 for none.
        colour: Strength of changes of brightness, saturation and contrast; 1 is the paper's most.
        shift: How far a picture is moved at most, as a share of its sides.
        cutout: Side of the square that is cut out, as a share of the picture's.
    """

    probability: Share = 0.5
    ramp: Share = 1.0
    colour: Share = 0.5
    shift: Share = 0.125
    cutout: Share = 0.5


class GANConfig(Config):
    """What a GAN is, and what its two networks play for.

    Attributes:
        shape: (C, H, W) of an image; H and W divisible by 4 for the convolutional networks.
        latent: Number of dimensions of the noise.
        network: The generator's and discriminator's architecture. Conditions need "conv".
        loss: What they play for; `losses.py` has the equations. "cross-entropy" is on
            probabilities, for which the discriminator ends in a sigmoid, all others are on logits.
        penalty: What keeps the discriminator smooth, or nothing.
        augment: How pictures are changed before the discriminator sees them; for a few thousand
            pictures, which it would learn by heart.
        mismatched: Weight of the discriminator's loss on real pictures with the prompts of
            others, which it is to take for fakes (Reed et al. 2016, "Generative adversarial text
            to image synthesis", section 4.2); 0 for none.
        paired: Weight of the mean absolute difference between a fake and the real picture of the
            same conditions, in the generator's loss (Isola et al. 2017, "Image-to-image
            translation with conditional adversarial networks", equation 4); 0 for none. For data
            with few pictures of each prompt; the noise then has less effect. The generator first
            learns from pairs alone, in a stage of its own (Ledig et al. 2017, section 3.2), which
            teaches the prompts sooner than a discriminator does.
    """

    shape: ImageShape = (1, 28, 28)
    latent: Width = 64
    network: Network = MLPConfig()
    loss: LossName = "cross-entropy"
    penalty: Penalty | None = None
    augment: AugmentConfig | None = None
    mismatched: Weight = 0.0
    paired: Weight = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.network, ConvConfig):
            check_sides(self.shape, 4)


class GANOptions(Config):
    """How to sample from a GAN.

    Attributes:
        temperature: Scale of the noise; below 1 gives fewer odd pictures and less variety.
    """

    temperature: Temperature = 1.0
