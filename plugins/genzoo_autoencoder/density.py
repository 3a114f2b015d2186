"""N(0, I), mixtures of normals, and what densities share that a network learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from torch import Tensor

from genzoo_autoencoder.config import MixtureConfig
from genzoo_core import (
    Conditioner,
    Context,
    DataError,
    Density,
    FittedDensity,
    Posterior,
    Rng,
    TrainingError,
)
from genzoo_core.encoding import moments

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture as Estimator

MOST_POINTS = 30_000
"""Most latents that a mixture is fitted to; of more, every n-th is used."""

MOST_NAMES = 5
"""Most classes that a message names."""


class StandardNormal(Density):
    """N(0, I): what a VAE is trained towards."""

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        return temperature * rng.normal(self.shape, torch.empty(0))


class GaussianMixture(FittedDensity):
    """Mixtures of normals with full covariances (ex-post density, Ghosh et al. 2020, section 4).

    One mixture for each class of the first conditioner that has classes, or a single one.
    Covariances are stored as Cholesky factors: they stay valid under rounding, and sampling needs
    no factorisation.

    Attributes:
        weights: Weights of the components, `[classes, K]`.
        means: `[classes, K, D]`.
        factors: Cholesky factors, `[classes, K, D, D]`.
    """

    Config = MixtureConfig
    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, config: MixtureConfig, context: Context) -> None:
        super().__init__(config, context)
        self.classes_from, names = classes_of(context)
        self.class_names = names
        shape, (dimensions,) = (len(names) or 1, config.components), self.shape
        self.register_buffer("weights", torch.full(shape, 1 / config.components))
        self.register_buffer("means", torch.zeros(*shape, dimensions))
        # `torch.eye` allocates memory even where a model is built without any.
        factors = torch.zeros(*shape, dimensions, dimensions)
        factors.diagonal(dim1=-2, dim2=-1).fill_(1)
        self.register_buffer("factors", factors)

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        """As `Density.sample`; there is no mixture of null: `conditions` has a class for each."""
        self.check_fitted()
        which = self.classes(conditions, rng.n).to(self.means.device)
        edges = self.weights.double().cumsum(1)[which]
        chance = rng.uniform((1,), self.means).double() * edges[:, -1:]
        chosen = torch.searchsorted(edges, chance, right=True)[:, 0].clamp_max(edges.shape[1] - 1)
        noise = rng.normal(self.shape, self.means) * temperature
        with torch.autocast(self.means.device.type, enabled=False):  # a model may be in bfloat16
            spread = (self.factors[which, chosen] @ noise[..., None])[..., 0]
        return self.means[which, chosen] + spread

    def classes(self, conditions: Mapping[str, Tensor], n: int) -> Tensor:
        """The mixture of each of `n` images, int64 `[n]`."""
        if self.classes_from is None:
            return torch.zeros(n, dtype=torch.int64)
        return conditions[self.classes_from]

    @property
    def least_points(self) -> int:
        """Latents that `fit` needs of each class: a covariance takes two."""
        return max(self.weights.shape[1], 2)

    def check_data(self, images: int, conditions: Mapping[str, Tensor]) -> None:
        """Refuse a class with fewer images than a mixture is fitted to.

        Raises:
            DataError: There is one; names it.
            TrainingError: The library that fits mixtures is missing.
        """
        check_library()
        least = self.least_points
        needed = f"each mixture of latents is fitted to {least} images or more"
        hint = "add images, or give the config fewer components, 0 for no mixtures"
        if self.classes_from is None:
            if images < least:
                raise DataError(f"{needed}, and there are {images}", hint)
            return
        counts = conditions[self.classes_from].bincount(minlength=len(self.weights)).tolist()
        few = [
            f"{name} ({count})"
            for name, count in zip(self.class_names, counts, strict=False)  # null is the last
            if count < least
        ]
        if few:
            more = f" and {len(few) - MOST_NAMES} more" if len(few) > MOST_NAMES else ""
            raise DataError(
                f"{needed}, and these classes have fewer: {', '.join(few[:MOST_NAMES])}{more}",
                f"{hint}, or leave those classes out of the recipe",
            )

    def fit(self, latents: Posterior, conditions: Mapping[str, Tensor]) -> None:
        """Fit by expectation-maximisation, from a fixed seed.

        By the law of total variance a component's covariance is that of its means plus the mean
        of the posteriors' variances, so no noise needs to be drawn.

        Raises:
            TrainingError: scikit-learn is missing, a class has fewer than `least_points` latents,
                or they are not finite.
        """
        check_library()
        which = self.classes(conditions, len(latents.mean)).cpu()
        variances = None if latents.std is None else latents.std.square()
        for index in range(len(self.weights)):
            rows = (which == index).nonzero()[:, 0]
            rows = rows[:: math.ceil(max(len(rows), 1) / MOST_POINTS)]
            self._fit_one(index, latents.mean[rows], None if variances is None else variances[rows])
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
            # It does not where the latents' scales lie far apart.
            mixture = estimated(points.astype(np.float64), components)
        covariances = torch.from_numpy(mixture.covariances_).double()
        if variances is not None:
            shares = torch.from_numpy(mixture.predict_proba(points)).double()
            spread = shares.T @ variances.double().cpu() / shares.sum(0)[:, None].clamp_min(1e-9)
            covariances = covariances + torch.diag_embed(spread)
        self.weights[index] = torch.from_numpy(mixture.weights_)
        self.means[index] = torch.from_numpy(mixture.means_)
        self.factors[index] = torch.linalg.cholesky(covariances)


class LearnedDensity(FittedDensity):
    """A network that latents are drawn from, which sees them at unit scale.

    Attributes:
        shift: The latents' mean, `[*shape]`, once `fit` has measured it.
        scale: Their standard deviation, `[*shape]`.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("shift", torch.zeros(self.shape))
        self.register_buffer("scale", torch.ones(self.shape))

    def fit(self, latents: Posterior, conditions: Mapping[str, Tensor]) -> None:
        """Measure the latents' scale; `loss` learns the rest."""
        mean, std = moments(latents)
        self.shift.copy_(mean)
        self.scale.copy_(std)
        self.fitted.fill_(True)

    def standardized(self, z: Tensor) -> Tensor:
        """Latents `[B, *shape]` at unit scale."""
        return (z - self.shift) / self.scale

    def latents(self, x: Tensor) -> Tensor:
        """Latents in the codec's own scale, with the shape of the standardised `x`."""
        return x * self.scale + self.shift


def classes_of(context: Context) -> tuple[str | None, list[str]]:
    """The model's first conditioner with classes, and what these are called; None for none."""
    for name, spec in context.conditioners.items():
        conditioner: Conditioner = context.component("conditioner", spec.component, spec.config)
        if conditioner.categories is not None:
            return name, [conditioner.category(i) for i in range(conditioner.categories)]
    return None, []


def check_library() -> None:
    """Raise a TrainingError where scikit-learn is missing."""
    if find_spec("sklearn") is None:
        raise TrainingError("fitting a mixture needs scikit-learn", "pip install 'genzoo[train]'")


def estimated(points: np.ndarray, components: int) -> Estimator:
    """A mixture fitted to points `[N, D]`, in their precision."""
    from sklearn.mixture import GaussianMixture as Estimator

    return Estimator(components, reg_covar=1e-4, random_state=0, max_iter=100).fit(points)
