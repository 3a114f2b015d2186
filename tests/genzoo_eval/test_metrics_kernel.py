"""The kernel distance by hand and against torch-fidelity."""

from __future__ import annotations

import pytest
import torch

from genzoo_core.libraries import mend_torchvision
from genzoo_eval.metrics.kernel import kernel_distance


def test_two_samples_by_hand() -> None:
    # (xy + 1)³ between 0 and 1 is 1, between 1 and 2 is 27; across 1, 1, 8 and 27.
    distance = kernel_distance(
        torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]]), torch.Generator(), subsets=2
    )
    assert distance.mean == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)
    assert distance.std == 0


def test_it_is_the_distance_of_torch_fidelity() -> None:
    mend_torchvision()
    metric = pytest.importorskip("torch_fidelity.metric_kid")
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(150, 24, generator=generator, dtype=torch.float64)
    b = 1.2 * torch.randn(150, 24, generator=generator, dtype=torch.float64) + 0.1
    # In one subset of all, the order is all that the random numbers decide.
    peer = metric.kid_features_to_metric(
        a, b, kid_subsets=1, kid_subset_size=150, verbose=False, rng_seed=0
    )
    ours = kernel_distance(a, b, generator, subsets=1, size=150)
    assert ours.mean == pytest.approx(peer["kernel_inception_distance_mean"], rel=1e-9)
    again = kernel_distance(a, b, generator, subsets=3, size=200)
    assert again == pytest.approx((ours.mean, 0), rel=1e-9, abs=1e-12)


def test_it_is_unbiased_and_its_spread_is_that_of_the_subsets() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2000, 8, generator=generator) for _ in range(2))
    small = kernel_distance(a, b, generator, subsets=60, size=50)
    large = kernel_distance(a, b, generator, subsets=60, size=500)
    # The same distribution: 0 at any size, up to the error of the mean.
    assert abs(small.mean) < 4 * small.std / 60**0.5
    assert small.std > 5 * large.std
    far = kernel_distance(a + 1, b, generator, subsets=5, size=50)
    assert far.mean > 10 * small.std


def test_the_subsets_are_those_of_the_generator() -> None:
    a, b = torch.randn(2, 100, 4, generator=torch.Generator().manual_seed(3))
    first, again, other = (
        kernel_distance(a, b, torch.Generator().manual_seed(seed), subsets=3, size=20)
        for seed in (0, 0, 1)
    )
    assert first == again != other
