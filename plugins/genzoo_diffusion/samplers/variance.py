"""Which noisers the samplers of DDPM are defined for."""

from __future__ import annotations

import torch

from genzoo_core import ScheduledNoiser


def preserves_variance(noiser: ScheduledNoiser) -> bool:
    """Whether alpha^2 + sigma^2 = 1 at all times."""
    alpha, sigma = noiser.coefficients(torch.linspace(0, 1, 11, dtype=torch.float64))
    return bool(((alpha.square() + sigma.square() - 1).abs() < 1e-4).all())
