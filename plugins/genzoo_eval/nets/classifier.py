"""A classifier whose penultimate layer is the feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genzoo_core import (
    Batch,
    Conditioned,
    Conditioner,
    ConfigError,
    Context,
    Phase,
    Progress,
    Rng,
    share_of,
)
from genzoo_eval.nets.augment import shift
from genzoo_eval.nets.config import ClassifierConfig
from genzoo_eval.nets.trunk import FeatureNet


class Classifier(FeatureNet, Conditioned):
    """A classifier; its penultimate layer is the feature.

    The part that Inception's pooled features play in the Fréchet distance (Heusel et al. 2017,
    "GANs trained by a two time-scale update rule", section 3), taken before the nonlinearity,
    where a normal distribution is closer to the truth.

    It owns the conditioner that reads the labels, so that it and the models that it measures
    number the classes alike; it is not trained.

    Raises:
        ConfigError: Not exactly one conditioner, or one whose values are not categories.
    """

    Config = ClassifierConfig
    stage_name = "classification"

    def __init__(self, config: ClassifierConfig, context: Context) -> None:
        super().__init__(config.trunk, context)
        self.config = config
        if len(context.conditioners) != 1:
            names = ", ".join(context.conditioners) or "none"
            raise ConfigError(f"a classifier needs one conditioner, for its labels, not {names}")
        ((self.label, spec),) = context.conditioners.items()
        conditioner: Conditioner = context.component("conditioner", spec.component, spec.config)
        if conditioner.categories is None:
            raise ConfigError(f"{spec.component} has no categories that a classifier could learn")
        self.classes = conditioner.categories
        owned = nn.ModuleDict({self.label: conditioner.requires_grad_(False)})
        self.conditioners = cast(Mapping[str, Conditioner], owned)
        self.head = nn.Linear(config.trunk.features, self.classes)

    def logits(self, x: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes, `[B, classes]`, for images
        `[B, C, H, W]` in [-1, 1]."""
        out: Tensor = self.head(torch.relu(self.trunk(x)))
        return out

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Cross-entropy on randomly moved images; those whose label is null do not count."""
        labels = batch.conditions[self.label]
        logits = self.logits(shift(batch.images, rng, self.config.shift))
        loss = F.cross_entropy(logits, labels, ignore_index=self.classes)
        share = share_of(labels != self.classes)
        loss = share * loss if share else 0 * logits.sum()  # a mean of none is NaN
        return loss, {"accuracy": (logits.argmax(1) == labels).float().mean().detach()}
