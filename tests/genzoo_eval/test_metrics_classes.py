"""What a classifier sees: accuracy and the histogram of classes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_accuracy_by_hand() -> None:
    asked = torch.tensor([0, 0, 0, 0, 1, 1, 3])
    predicted = torch.tensor([0, 0, 0, 1, 1, 2, 3])
    accuracy = class_accuracy(predicted, asked, classes=4)
    assert accuracy.overall == pytest.approx(5 / 7)
    assert accuracy.per_class[:2] == pytest.approx((3 / 4, 1 / 2))
    assert math.isnan(accuracy.per_class[2])
    assert accuracy.per_class[3] == 1


def test_accuracy_wants_a_prediction_for_each_picture_and_known_classes() -> None:
    with pytest.raises(ValueError, match="2 predictions for 3"):
        class_accuracy(torch.tensor([0, 1]), torch.tensor([0, 1, 1]), classes=2)
    with pytest.raises(RuntimeError):
        class_accuracy(torch.tensor([0, 5]), torch.tensor([0, 1]), classes=2)


def test_a_generator_of_half_the_classes_is_half_away() -> None:
    even = class_frequencies(torch.arange(100) % 10, classes=10)
    collapsed = class_frequencies(torch.arange(100) % 5, classes=10)
    assert even.tolist() == [0.1] * 10
    assert total_variation(collapsed, even) == pytest.approx(0.5)
    for ids in ([], [10], [-1]):
        with pytest.raises(ValueError, match="from 0 to 9"):
            class_frequencies(torch.tensor(ids, dtype=torch.int64), classes=10)


IDS = st.lists(st.integers(0, 4), min_size=1, max_size=40)


@PATIENT
@given(IDS, IDS)
def test_total_variation_is_a_distance_from_0_to_1(a: list[int], b: list[int]) -> None:
    p, q = (class_frequencies(torch.tensor(ids), classes=5) for ids in (a, b))
    assert 0 <= total_variation(p, q) == total_variation(q, p) <= 1 + 1e-12
    assert total_variation(p, p) == 0
    if not set(a) & set(b):
        assert total_variation(p, q) == pytest.approx(1)
