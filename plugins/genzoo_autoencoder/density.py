"""A density fitted to latents after training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genzoo_core import NotFittedError, Rng, TrainingError

MOST_POINTS = 30_000
"""Latents that a mixture is fitted to; every n-th is taken of more."""


class GaussianMixture(nn.Module):
    """A mixture of normals with full covariances (ex-post density, Ghosh et al. 2020, section 4).

    Covariances are kept as Cholesky factors: they stay valid under rounding, and sampling needs
    no factorisation.

    Args:
        components: Number of components, K.
        dimensions: Number of dimensions, D.
    """

    fitted: Tensor
    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, dimensions))
        self.register_buffer("factors", torch.eye(dimensions).repeat(components, 1, 1))

    def sample(self, rng: Rng, temperature: float = 1.0) -> Tensor:
        """Draws `[rng.n, D]`; the noise around each component's mean scaled by `temperature`.

        Raises:
            NotFittedError: `fit` was never called.
        """
        if not self.fitted:
            raise NotFittedError(
                "the density over this model's latents was never fitted",
                "finish its training with `genzoo train … --resume`",
            )
        edges = self.weights.double().cumsum(0)
        chosen = torch.searchsorted(edges / edges[-1], rng.uniform(self.means).double(), right=True)
        chosen = chosen.clamp_max(len(edges) - 1)
        noise = rng.normal(self.means.shape[1:], self.means) * temperature
        return self.means[chosen] + (self.factors[chosen] @ noise[..., None])[..., 0]

    def fit(self, means: Tensor, variances: Tensor | None = None) -> None:
        """Fit by expectation-maximisation, from a fixed seed.

        Args:
            means: One latent per training image, `[N, D]`.
            variances: Variance of each latent's posterior, `[N, D]`. By the law of total
                variance a component's covariance is that of its means plus the mean of its
                variances, so no noise needs to be drawn.

        Raises:
            TrainingError: scikit-learn is missing, or N is less than the number of components.
        """
        try:
            from sklearn.mixture import GaussianMixture as Estimator
        except ModuleNotFoundError as error:
            raise TrainingError(
                "fitting a mixture needs scikit-learn", "pip install 'genzoo[train]'"
            ) from error
        components = len(self.weights)
        if len(means) < components:
            raise TrainingError(
                f"a mixture of {components} components cannot be fitted to {len(means)} images"
            )
        stride = math.ceil(len(means) / MOST_POINTS)
        points = means[::stride].float().cpu().numpy()
        # The ridge keeps covariances valid in single precision, which is twice as fast.
        mixture = Estimator(components, reg_covar=1e-4, random_state=0, max_iter=100).fit(points)
        covariances = torch.from_numpy(mixture.covariances_).double()
        if variances is not None:
            shares = torch.from_numpy(mixture.predict_proba(points)).double()
            within = variances[::stride].double().cpu()
            spread = shares.T @ within / shares.sum(0)[:, None].clamp_min(1e-9)
            covariances = covariances + torch.diag_embed(spread)
        self.weights.copy_(torch.from_numpy(mixture.weights_))
        self.means.copy_(torch.from_numpy(mixture.means_))
        self.factors.copy_(torch.linalg.cholesky(covariances))
        self.fitted.fill_(True)
