"""A feature net that was taught by captions, and knows which one is of which image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genzoo_core import (
    Batch,
    Condition,
    Conditioned,
    Conditioner,
    ConfigError,
    Context,
    Phase,
    Progress,
    Rng,
    all_rows,
)
from genzoo_eval.nets.augment import view
from genzoo_eval.nets.config import DualEncoderConfig
from genzoo_eval.nets.trunk import FeatureNet

SHARPEST = 100.0
"""Largest factor of the similarities (Radford et al. 2021, section 2.5)."""


class TextEncoder(nn.Module):
    """A transformer over the words of a caption (Vaswani et al. 2017, normalised before)."""

    def __init__(self, token_dim: int, config: DualEncoderConfig) -> None:
        super().__init__()
        self.read = nn.Linear(token_dim, config.width)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            4 * config.width,
            dropout=0.0,  # it would draw from torch's own generator
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.joint)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """`[B, joint]` from words `[B, T, D]`, of which those count where `mask` `[B, T]` is True;
        the first one always does, and gathers what the others say."""
        seen: Tensor = self.layers(self.read(tokens), src_key_padding_mask=~mask)
        out: Tensor = self.head(self.norm(seen[:, 0]))
        return out


class DualEncoder(FeatureNet, Conditioned):
    """Puts an image and its caption at one place: CLIP on a small dataset.

    After Radford et al. 2021, "Learning transferable visual models from natural language
    supervision", section 2.3. It says how near a picture is to a caption, and its image
    encoder is a feature net: as of `SelfSupervised`, the features are the trunk's and not the
    projection's.

    It owns the conditioner that reads the captions and trains it: what it knows of words it has
    from its own captions alone, not from what conditions the models that it measures.

    Raises:
        ConfigError: Not exactly one conditioner, or one that gives no tokens.
    """

    Config = DualEncoderConfig
    stage_name = "matching"

    def __init__(self, config: DualEncoderConfig, context: Context) -> None:
        super().__init__(config.trunk, context)
        self.config = config
        if len(context.conditioners) != 1:
            names = ", ".join(context.conditioners) or "none"
            raise ConfigError(
                f"a dual encoder needs one conditioner, for its captions, not {names}"
            )
        ((self.column, spec),) = context.conditioners.items()
        conditioner: Conditioner = context.component("conditioner", spec.component, spec.config)
        if conditioner.token_dim is None:
            raise ConfigError(f"{spec.component} gives no tokens that could be read as words")
        owned = nn.ModuleDict({self.column: conditioner})
        self.conditioners = cast(Mapping[str, Conditioner], owned)
        self.text = TextEncoder(conditioner.token_dim, config)
        self.projection = nn.Sequential(
            nn.ReLU(), nn.Linear(config.trunk.features, config.joint, bias=False)
        )
        if context.training:
            # Radford et al. 2021, section 2.5: a temperature of 0.07 to begin with.
            self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def images(self, x: Tensor) -> Tensor:
        """Where images `[B, C, H, W]` in [-1, 1] lie among captions, unit vectors `[B, joint]`."""
        return F.normalize(self.projection(self.trunk(x)), dim=1)

    def captions(self, prepared: Tensor) -> Tensor:
        """Where prepared captions `[B, ...]` lie among images, unit vectors `[B, joint]`."""
        tokens, mask = _words(self.conditioners[self.column](prepared))
        return F.normalize(self.text(tokens, mask), dim=1)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """`matching` of a view of each image with its caption, of which words may be missing."""
        prepared = batch.conditions[self.column]
        tokens, mask = _words(self.conditioners[self.column](prepared))
        read = torch.special.ndtr(rng.normal(mask.shape[1:], tokens)) >= self.config.forget
        first = torch.arange(mask.shape[1], device=mask.device) == 0
        captions = F.normalize(self.text(tokens, mask & (read | first)), dim=1)
        images = self.images(view(batch.images, rng, self.config.views))
        scale = self.log_scale.exp().clamp_max(SHARPEST)
        same = alike(all_rows(prepared))
        loss, found = matching(all_rows(images), all_rows(captions), same, scale)
        figures = {"found": found.float().mean().detach(), "scale": scale.detach()}
        return loss, dict(figures)


def _words(condition: Condition) -> tuple[Tensor, Tensor]:
    tokens, mask = condition.tokens, condition.mask
    assert tokens is not None  # the constructor saw a token_dim
    if mask is None:
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    return tokens, mask


def alike(prepared: Tensor) -> Tensor:
    """Which rows of `[B, ...]` are equal to which, bool `[B, B]`."""
    ids = torch.unique(prepared.flatten(1), dim=0, return_inverse=True)[1]
    same: Tensor = ids[:, None] == ids
    return same


def matching(
    images: Tensor, captions: Tensor, same: Tensor, scale: Tensor | float
) -> tuple[Tensor, Tensor]:
    """The symmetric contrastive loss: each image finds its captions, each caption its images.

    Radford et al. 2021, figure 3; the loss of either direction is InfoNCE (van den Oord et al.
    2018, "Representation learning with contrastive predictive coding", equation 4). Where a
    batch holds several images of one caption, all of them are right, each to an equal part
    (Khosla et al. 2020, "Supervised contrastive learning", equation 2).

    Args:
        images: Unit vectors `[B, D]`.
        same: Which images have equal captions, bool `[B, B]`, symmetric.
        scale: Factor of the cosine similarities.

    Returns:
        The mean of both directions, and for each image whether the nearest caption is its own,
        bool `[B]`.
    """
    similarities = scale * images @ captions.T
    right = same.to(similarities)
    right = right / right.sum(1, keepdim=True)
    there = F.cross_entropy(similarities, right)
    back = F.cross_entropy(similarities.T, right)
    nearest = similarities.argmax(1, keepdim=True)
    return (there + back) / 2, same.gather(1, nearest)[:, 0]
