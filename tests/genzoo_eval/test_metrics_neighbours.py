"""Nearest neighbours, memorisation and duplicates."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from genzoo_eval.metrics.neighbours import (
    memorisation,
    near_duplicates,
    nearest,
    nearest_other,
)

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_nearest_reference_is_found_with_its_distance() -> None:
    found = nearest(torch.tensor([[0.0, 0.0], [10.0, 9.0]]), torch.tensor([[3.0, 4.0], [7.0, 5.0]]))
    assert found.index.tolist() == [0, 1]
    assert found.distance.tolist() == [5.0, 5.0]


def test_many_blocks_find_what_one_matrix_of_distances_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(300, 16, generator=generator)
    references = torch.randn(411, 16, generator=generator)
    expected = torch.cdist(queries.double(), references.double()).min(1)
    found = nearest(queries, references)
    torch.testing.assert_close(found.distance, expected.values)
    assert torch.equal(found.index, expected.indices)

    within = torch.cdist(queries.double(), queries.double()).fill_diagonal_(torch.inf).min(1)
    other = nearest_other(queries)
    torch.testing.assert_close(other.distance, within.values)
    assert torch.equal(other.index, within.indices)


def test_more_references_than_are_looked_at_at_once_are_all_looked_at() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(40, 4, generator=generator)
    references = torch.randn(300_000, 4, generator=generator)
    expected = torch.cdist(queries.double(), references.double()).min(1)
    found = nearest(queries, references)
    torch.testing.assert_close(found.distance, expected.values)
    assert torch.equal(found.index, expected.indices)
    with pytest.raises(ValueError, match="no neighbour"):
        nearest_other(queries[:1])


def test_a_copy_is_at_distance_zero_far_from_the_origin() -> None:
    train = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)) + 1000
    found = nearest(train.flip(0), train)
    assert found.distance.tolist() == [0.0] * 200
    assert found.index.tolist() == list(range(199, -1, -1))


def test_copies_are_told_from_new_pictures() -> None:
    generator = torch.Generator().manual_seed(0)
    train, test, new = (torch.randn(1000, 4, generator=generator) for _ in range(3))
    unseen = nearest(test, train).distance
    fair = memorisation(nearest(new, train).distance, unseen)
    assert fair.share == pytest.approx(0.01, abs=0.01)
    assert fair.nearer == pytest.approx(0.5, abs=0.05)
    copies = memorisation(nearest(train, train).distance, unseen)
    assert (copies.share, copies.nearer) == (1, 1)
    some = memorisation(nearest(torch.cat([train[:100], new[:900]]), train).distance, unseen)
    assert some.share == pytest.approx(0.11, abs=0.01)


def test_the_threshold_by_hand() -> None:
    unseen = torch.arange(101.0)  # the 1 % quantile is 1
    found = memorisation(torch.tensor([0.0, 0.5, 1.0, 20.0, 30.0]), unseen)
    assert found.threshold == pytest.approx(1)
    assert found.share == pytest.approx(2 / 5)
    with pytest.raises(ValueError, match="unseen"):
        memorisation(torch.zeros(0), unseen)


DISTANCES = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=30)


@PATIENT
@given(DISTANCES, DISTANCES)
def test_nearer_is_mann_whitneys_u(generated: list[float], unseen: list[float]) -> None:
    found = memorisation(torch.tensor(generated), torch.tensor(unseen))
    u = mannwhitneyu(unseen, generated, method="asymptotic").statistic
    assert found.nearer == pytest.approx(u / (len(generated) * len(unseen)))


def test_pictures_closer_than_real_ones_ever_are_count_as_near_duplicates() -> None:
    real = torch.arange(1.0, 1002.0)  # the 0.1 % quantile is 2
    assert near_duplicates(torch.tensor([0.0, 1.9, 2.0, 7.0]), real) == pytest.approx(0.5)
    assert near_duplicates(torch.tensor([0.0, 1.9, 2.0, 7.0]), real, 0) == pytest.approx(0.25)
    assert near_duplicates(real, real) == pytest.approx(0.001, abs=1e-4)
