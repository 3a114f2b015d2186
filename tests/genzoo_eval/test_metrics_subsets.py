"""The spread of a figure over subsets."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genzoo_eval.metrics.subsets import disjoint_subsets, random_subsets, spread

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(st.integers(1, 60), st.integers(1, 10))
def test_disjoint_subsets_are_of_one_size_and_share_nothing(n: int, parts: int) -> None:
    if parts > n:
        with pytest.raises(ValueError, match="disjoint"):
            disjoint_subsets(n, parts, torch.Generator())
        return
    subsets = disjoint_subsets(n, parts, torch.Generator())
    assert [len(subset) for subset in subsets] == [n // parts] * parts
    together = torch.cat(subsets).tolist()
    assert len(set(together)) == len(together)
    assert set(together) <= set(range(n))


def test_random_subsets_hold_no_sample_twice_and_follow_the_generator() -> None:
    first, again = (random_subsets(20, 15, 4, torch.Generator().manual_seed(0)) for _ in range(2))
    assert [subset.unique().numel() for subset in first] == [15] * 4
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].sort().values, first[1].sort().values)
    with pytest.raises(ValueError, match="no subset of 21"):
        random_subsets(20, 21, 4, torch.Generator())


def test_the_spread_of_a_mean_by_hand() -> None:
    values = torch.tensor([1.0, 3.0, 10.0, 20.0])
    found = spread(
        lambda subset: values[subset].mean().item(), [torch.tensor([0, 1]), torch.tensor([2, 3])]
    )
    assert found.values == (2, 15)
    assert found.mean == pytest.approx(8.5)
    assert found.std == pytest.approx(13 / 2**0.5)
    with pytest.raises(ValueError, match="two subsets"):
        spread(lambda _: 0.0, [torch.tensor([0])])


def test_disjoint_parts_of_many_samples_show_the_error_of_the_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(40_000, generator=generator)
    found = spread(lambda s: values[s].mean().item(), disjoint_subsets(40_000, 400, generator))
    assert found.std == pytest.approx(1 / 100**0.5, rel=0.1)
