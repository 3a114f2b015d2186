"""Checking what the types of a card do not say."""

from __future__ import annotations

import math

from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError


def check_figures(card: ModelCard) -> None:
    """Refuse, as a `ConfigError`, numbers of a card that others could not compute with."""
    if not all(0 <= count < 2**63 for count in (card.size, card.parameters, *(card.shape or ()))):
        raise ConfigError(f"model {card.name}: size, parameters or shape is out of range")
    figures = [figure for metric in card.metrics for figure in (metric.value, metric.floor)]
    if not all(figure is None or math.isfinite(figure) for figure in figures):
        raise ConfigError(f"model {card.name}: a metric is not finite")
    if not all(metric.n is None or 0 <= metric.n < 2**63 for metric in card.metrics):
        raise ConfigError(f"model {card.name}: the n of a metric is out of range")
