"""A feature net that never saw a label."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genzoo_core import Batch, ConfigError, Context, Phase, Progress, Rng, all_rows
from genzoo_eval.nets.augment import view
from genzoo_eval.nets.config import SelfSupervisedConfig
from genzoo_eval.nets.trunk import FeatureNet


class SelfSupervised(FeatureNet):
    """Learns to find the other view of an image among those of other images: SimCLR.

    After Chen et al. 2020, "A simple framework for contrastive learning of visual
    representations". Its features are the trunk's, not the projection's: the projection
    forgets what tells two views of an image apart, which is much of what tells a good picture
    from a bad one (there, section 4.2). It sees what a classifier is blind to, variety
    within a class above all.

    Raises:
        ConfigError: There is a conditioner.
    """

    Config = SelfSupervisedConfig
    stage_name = "contrast"

    def __init__(self, config: SelfSupervisedConfig, context: Context) -> None:
        super().__init__(config.trunk, context)
        self.config = config
        if context.conditioners:
            names = ", ".join(context.conditioners)
            raise ConfigError(f"a self-supervised net takes no conditioners, but has {names}")
        features = config.trunk.features
        self.projection: nn.Sequential | None = None
        if context.training:
            self.projection = nn.Sequential(
                nn.ReLU(),
                nn.Linear(features, features),
                nn.ReLU(),
                nn.Linear(features, config.projection),
            )

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """`nt_xent` of two views of each image."""
        assert self.projection is not None  # it is built for training
        views = torch.cat([view(batch.images, rng, self.config.views) for _ in range(2)])
        first, second = self.projection(self.trunk(views)).chunk(2)
        loss, found = nt_xent(all_rows(first), all_rows(second), self.config.temperature)
        return loss, {"found": found.float().mean().detach()}


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """The normalised temperature-scaled cross-entropy (Chen et al. 2020, equation 1).

    Args:
        first: Projections of one view of each image, `[B, D]`; `second` are those of the other.

    Returns:
        The mean loss over the 2B views, and for each view whether its partner is the nearest
        of the 2B - 1 others, bool `[2B]`.
    """
    z = F.normalize(torch.cat([first, second]), dim=1)
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similarities = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    partners = torch.arange(len(z), device=z.device).roll(len(first))
    return F.cross_entropy(similarities, partners), similarities.argmax(1) == partners
