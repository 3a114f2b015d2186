"""Precision, recall, density and coverage by hand and against prdc."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from genzoo_eval.metrics.manifold import Manifold, manifold_figures

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def features(seed: int, n: int, d: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def line(*points: float) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)[:, None]


def test_points_on_a_line_by_hand() -> None:
    # Balls of the real ones: [-1, 1], [0, 2], [1, 5], [3, 11];
    # of the generated ones: [0.25, 0.75], [0.5, 1], [0.75, 39.25].
    figures = manifold_figures(line(0.5, 0.75, 20), line(0, 1, 3, 7), k=1, density_k=1)
    assert figures.precision == pytest.approx(2 / 3)
    assert figures.recall == pytest.approx(3 / 4)
    assert figures.density == pytest.approx((2 + 2 + 0) / 3)
    assert figures.coverage == pytest.approx(2 / 4)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 0.7), (3.0, 1.0)])
def test_the_figures_are_those_of_prdc(shift: float, scale: float) -> None:
    prdc = pytest.importorskip("prdc")
    real, generated = features(1, 300), scale * features(2, 277) + shift
    figures = manifold_figures(generated, real)
    three = prdc.compute_prdc(real.numpy(), generated.numpy(), nearest_k=3)
    five = prdc.compute_prdc(real.numpy(), generated.numpy(), nearest_k=5)
    assert figures.precision == pytest.approx(three["precision"])
    assert figures.recall == pytest.approx(three["recall"])
    assert figures.density == pytest.approx(five["density"])
    assert figures.coverage == pytest.approx(five["coverage"])


@PATIENT
@given(st.integers(0, 2**32), st.integers(-6, 6))
def test_what_moves_both_moves_nothing(seed: int, power: int) -> None:
    a, b = features(seed, 40), 0.8 * features(seed + 1, 30) + 0.3
    figures = manifold_figures(a, b)
    scale = 2.0**power
    # Powers of two round nothing.
    assert manifold_figures(scale * a, scale * b) == figures
    rolled = manifold_figures(a.roll(1, dims=1), b.roll(1, dims=1))
    assert rolled.precision == pytest.approx(figures.precision)
    assert rolled.density == pytest.approx(figures.density)
    swapped = manifold_figures(b, a)
    assert (swapped.precision, swapped.recall) == pytest.approx((figures.recall, figures.precision))


@PATIENT
@given(st.integers(0, 2**32), st.integers(4, 60))
def test_a_subset_of_the_real_ones_is_precise_and_all_of_them_cover(seed: int, n: int) -> None:
    real = features(seed, 60)
    assert manifold_figures(real[:n], real).precision == 1
    whole = manifold_figures(real, real)
    assert (whole.precision, whole.recall, whole.coverage) == (1, 1, 1)


def test_fidelity_and_diversity_are_told_apart() -> None:
    real = features(1, 400)
    narrow = manifold_figures(0.3 * features(2, 400), real)
    assert narrow.precision > 0.95
    assert narrow.recall < 0.2
    assert narrow.coverage < 0.6
    assert manifold_figures(features(2, 400), real).coverage > 0.9
    away = manifold_figures(features(2, 400) + 50, real)
    assert (away.precision, away.density, away.coverage) == (0, 0, 0)


def test_density_of_the_same_distribution_is_about_one() -> None:
    # Naeem et al. 2020: expected to be 1 for any k, where precision only nears it.
    figures = manifold_figures(features(1, 2000, d=3), features(2, 2000, d=3))
    assert figures.density == pytest.approx(1, abs=0.05)


def test_float32_features_give_the_same_figures() -> None:
    a, b = features(1, 300, d=64) + 100, features(2, 300, d=64) + 100.1
    exact, single = manifold_figures(a, b), manifold_figures(a.float(), b.float())
    assert single.precision == pytest.approx(exact.precision, abs=0.01)
    assert single.density == pytest.approx(exact.density, abs=0.01)


def test_a_manifold_is_computed_once_and_holds_the_balls_that_it_was_asked_for() -> None:
    a, b = features(1, 50), features(2, 50)
    assert manifold_figures(a, Manifold.of(b, 3, 5)) == manifold_figures(a, b)
    with pytest.raises(ValueError, match=r"k = \[5\]"):
        manifold_figures(a, Manifold.of(b, 3))
    with pytest.raises(ValueError, match="too few for neighbours"):
        Manifold.of(b[:5], 3, 5)
