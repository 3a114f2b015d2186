"""The Fréchet distance against closed forms and against torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from genzoo_core.libraries import mend_torchvision
from genzoo_eval.metrics.frechet import (
    Moments,
    extrapolated_frechet_distance,
    extrapolates,
    frechet_distance,
)

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def features(seed: int, n: int = 60, d: int = 8) -> Tensor:
    """Correlated features, float64."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) @ mixing


def axes(stds: list[float], mean: list[float]) -> Tensor:
    """2D features with exactly this mean and diagonal covariance."""
    d = len(stds)
    corners = torch.diag(torch.tensor(stds, dtype=torch.float64) * ((2 * d - 1) / 2) ** 0.5)
    return torch.cat([corners, -corners]) + torch.tensor(mean, dtype=torch.float64)


def test_gaussians_along_the_axes_are_as_far_as_the_closed_form_says() -> None:
    a = axes([1.0, 2.0, 0.5], [0.0, 0.0, 0.0])
    b = axes([1.0, 3.0, 2.0], [2.0, 0.0, -1.0])
    torch.testing.assert_close(
        Moments.of(a).covariance, torch.diag(torch.tensor([1.0, 4.0, 0.25], dtype=torch.float64))
    )
    # Means: 2² + 1²; standard deviations: 0² + 1² + 1.5².
    assert frechet_distance(a, b) == pytest.approx(5 + 3.25)


def test_moments_of_very_many_are_those_of_numpy() -> None:
    many = features(0, n=300_000, d=4)
    moments = Moments.of(many.float())
    wanted = many.float().double().numpy()
    torch.testing.assert_close(moments.mean, torch.from_numpy(wanted.mean(0)))
    torch.testing.assert_close(moments.covariance, torch.from_numpy(np.cov(wanted.T)))


def test_it_is_the_distance_of_torch_fidelity() -> None:
    mend_torchvision()
    metric = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = features(1, n=300, d=32), 1.3 * features(2, n=250, d=32) + 0.4
    peer = metric.fid_statistics_to_metric(
        metric.fid_features_to_statistics(a), metric.fid_features_to_statistics(b), verbose=False
    )
    expected = peer["frechet_inception_distance"]
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(a.float(), b.float()) == pytest.approx(expected, rel=1e-5)


def test_fewer_samples_than_features_leave_a_distance() -> None:
    # All of a lies on the first axis, all of b on the second: they share no direction.
    a = axes([3.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    b = axes([0.0, 2.0, 0.0], [0.0, 0.0, 0.0])
    assert frechet_distance(a, b) == pytest.approx(9 + 4)
    few = features(3, n=5, d=64)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-8)


@PATIENT
@given(st.integers(0, 2**32), st.floats(-20, 20), st.floats(0.1, 10))
def test_it_behaves_as_a_distance_of_gaussians(seed: int, shift: float, scale: float) -> None:
    a, b = features(seed), features(seed + 1)
    size = Moments.of(a).covariance.trace().item()
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9 * size)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a + shift) == pytest.approx(8 * shift**2, abs=1e-9 * size)
    assert frechet_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-9 * size)
    rotation = torch.linalg.qr(features(seed + 2, n=8))[0]
    assert frechet_distance(a @ rotation, b @ rotation) == pytest.approx(frechet_distance(a, b))
    assert frechet_distance(scale * a, scale * b) == pytest.approx(
        scale**2 * frechet_distance(a, b)
    )


def test_moments_stand_for_the_features_that_they_are_of() -> None:
    a, b = features(1), features(2)
    assert frechet_distance(Moments.of(a), b) == frechet_distance(a, Moments.of(b))
    assert Moments.of(a).n == 60


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (torch.zeros(1, 3), "N >= 2"),
        (torch.zeros(5), "N >= 2"),
        (torch.tensor([[0.0, 1.0, torch.nan]] * 3), "NaN or infinity"),
        (torch.zeros(5, 4), "4 features cannot be compared with 3"),
    ],
)
def test_what_has_no_distance_is_refused(a: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, features(0, d=3))


def test_the_extrapolation_takes_the_bias_of_few_samples_away() -> None:
    d, shift = 32, 0.05
    generator = torch.Generator().manual_seed(0)
    real = Moments(torch.zeros(d).double(), torch.eye(d).double(), 10**9)
    true = d * shift**2
    raw, corrected = [], []
    for _ in range(4):
        generated = torch.randn(2000, d, generator=generator) + shift
        raw.append(frechet_distance(generated, real))
        corrected.append(extrapolated_frechet_distance(generated, real, generator))
    assert sum(raw) / 4 - true > 0.1
    assert sum(corrected) / 4 == pytest.approx(true, abs=0.02)


def test_a_line_is_drawn_through_subsets_of_twice_as_many_samples_as_features() -> None:
    """The smallest subset is a fifth: of 160 samples 32, for 16 features."""
    assert extrapolates(features(0, n=160, d=16))
    assert not extrapolates(features(0, n=159, d=16))


def test_the_extrapolation_is_that_of_its_generator() -> None:
    a, b = features(1, n=200), features(2, n=200)
    first, again, other = (
        extrapolated_frechet_distance(a, b, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert first == again != other
    with pytest.raises(ValueError, match="no line"):
        extrapolated_frechet_distance(a, b, torch.Generator(), smallest=200)
    with pytest.raises(ValueError, match="no line"):
        extrapolated_frechet_distance(a, b, torch.Generator(), points=1)
