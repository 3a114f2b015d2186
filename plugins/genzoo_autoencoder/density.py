"""Densities over latents: what they share, and the one that is fitted after training."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from genzoo_core import NotFittedError, Rng, TrainingError

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture as Estimator

MOST_POINTS = 30_000
"""Latents that a mixture is fitted to; every n-th is taken of more."""


class Density(nn.Module):
    """Where latents come from. The buffer `fitted` says whether it knows anything of them yet."""

    fitted: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def check_fitted(self) -> None:
        """Raises:
        NotFittedError: Its training, or that of the model around it, was not finished.
        """
        if not self.fitted:
            raise NotFittedError(
                "the density over this model's latents was never fitted",
                "finish its training with `genzoo train … --resume`",
            )


class GaussianMixture(Density):
    """Mixtures of normals with full covariances (ex-post density, Ghosh et al. 2020, section 4).

    One mixture for each class, or a single one. Covariances are kept as Cholesky factors: they
    stay valid under rounding, and sampling needs no factorisation.

    Args:
        components: Components of each mixture, K.
        dimensions: Number of dimensions, D.
        classes: Number of mixtures.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, dimensions: int, classes: int = 1) -> None:
        super().__init__()
        shape = (classes, components)
        self.register_buffer("weights", torch.full(shape, 1 / components))
        self.register_buffer("means", torch.zeros(*shape, dimensions))
        # Not `torch.eye`, which takes its memory even where a model is built without any.
        factors = torch.zeros(*shape, dimensions, dimensions)
        factors.diagonal(dim1=-2, dim2=-1).fill_(1)
        self.register_buffer("factors", factors)

    def sample(self, rng: Rng, temperature: float = 1.0, classes: Tensor | None = None) -> Tensor:
        """Draws `[rng.n, D]`; the noise around each component's mean scaled by `temperature`.

        Args:
            rng: Where chance comes from.
            temperature: Scale of the noise.
            classes: Which mixture to draw from, int64 `[rng.n]`; the first unless given.

        Raises:
            NotFittedError: `fit` was never called.
        """
        self.check_fitted()
        device = self.means.device
        which = torch.zeros(rng.n, dtype=torch.int64) if classes is None else classes
        which = which.to(device)
        edges = self.weights.double().cumsum(1)[which]
        chance = rng.uniform((1,), self.means).double() * edges[:, -1:]
        chosen = torch.searchsorted(edges, chance, right=True)[:, 0].clamp_max(edges.shape[1] - 1)
        noise = rng.normal(self.means.shape[2:], self.means) * temperature
        with torch.autocast(device.type, enabled=False):  # not where a model is in half precision
            spread = (self.factors[which, chosen] @ noise[..., None])[..., 0]
        return self.means[which, chosen] + spread

    @property
    def least_points(self) -> int:
        """Latents that `fit` needs of each class: a covariance takes two."""
        return max(self.weights.shape[1], 2)

    def check_library(self) -> None:
        """Raises:
        TrainingError: What `fit` needs is not installed.
        """
        if find_spec("sklearn") is None:
            raise TrainingError(
                "fitting a mixture needs scikit-learn", "pip install 'genzoo[train]'"
            )

    def fit(
        self, means: Tensor, variances: Tensor | None = None, classes: Tensor | None = None
    ) -> None:
        """Fit by expectation-maximisation, from a fixed seed.

        Args:
            means: One latent per training image, `[N, D]`.
            variances: Variance of each latent's posterior, `[N, D]`. By the law of total
                variance a component's covariance is that of its means plus the mean of its
                variances, so no noise needs to be drawn.
            classes: The mixture that each latent belongs to, int64 `[N]`; the first unless given.

        Raises:
            TrainingError: scikit-learn is missing, a class has fewer than `least_points` latents,
                or they are not finite.
        """
        self.check_library()
        which = torch.zeros(len(means), dtype=torch.int64) if classes is None else classes.cpu()
        for index in range(len(self.weights)):
            rows = (which == index).nonzero()[:, 0]
            rows = rows[:: math.ceil(max(len(rows), 1) / MOST_POINTS)]
            self._fit_one(index, means[rows], None if variances is None else variances[rows])
        self.fitted.fill_(True)

    def _fit_one(self, index: int, means: Tensor, variances: Tensor | None) -> None:
        components = self.weights.shape[1]
        if len(means) < self.least_points:
            raise TrainingError(
                f"a mixture of {components} components cannot be fitted to {len(means)} images"
            )
        if not (finite := means.isfinite()).all():
            raise TrainingError(
                f"the latents of the training images became {means[~finite][0].item()}, and no "
                "mixture fits them",
                "lower the learning rate, in another --out",
            )
        points = means.float().cpu().numpy()
        try:
            # The ridge keeps covariances valid in single precision, which is twice as fast.
            mixture = estimated(points, components)
        except ValueError:
            # Not those of latents whose scales lie far apart.
            mixture = estimated(points.astype(np.float64), components)
        covariances = torch.from_numpy(mixture.covariances_).double()
        if variances is not None:
            shares = torch.from_numpy(mixture.predict_proba(points)).double()
            spread = shares.T @ variances.double().cpu() / shares.sum(0)[:, None].clamp_min(1e-9)
            covariances = covariances + torch.diag_embed(spread)
        self.weights[index] = torch.from_numpy(mixture.weights_)
        self.means[index] = torch.from_numpy(mixture.means_)
        self.factors[index] = torch.linalg.cholesky(covariances)


def estimated(points: np.ndarray, components: int) -> Estimator:
    """A mixture fitted to points `[N, D]`, in their precision."""
    from sklearn.mixture import GaussianMixture as Estimator

    return Estimator(components, reg_covar=1e-4, random_state=0, max_iter=100).fit(points)
