"""The standard error of a figure, and the parts that it comes from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from genzoo_eval.metrics.manifold import Manifold, manifold_figures
from genzoo_eval.metrics.subsets import PARTS, disjoint_subsets, standard_errors

# A busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def standard_error(
    figure: Callable[[Tensor], float], n: int, seed: int = 0, parts: int = PARTS
) -> float:
    (error,) = standard_errors(lambda rows: (figure(rows),), n, seed, parts)
    return error


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


def test_the_error_of_a_mean_is_that_of_the_means_of_its_parts() -> None:
    values = torch.randn(60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parts = disjoint_subsets(60, 4, torch.Generator().manual_seed(3))
    means = torch.stack([values[part].mean() for part in parts])
    found = standard_error(lambda rows: values[rows].mean().item(), 60, seed=3, parts=4)
    assert found == pytest.approx((means.std() / 4**0.5).item())
    with pytest.raises(ValueError, match="two parts"):
        standard_error(lambda _: 0.0, 60, parts=1)


def test_the_error_of_many_samples_is_that_of_the_normal() -> None:
    """Of n = 40,000 standard normals, the mean has an error of 1/200, the standard deviation one
    of 1/√(2n)."""
    values = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
    of_mean = standard_error(lambda rows: values[rows].mean().item(), 40_000, parts=400)
    of_deviation = standard_error(lambda rows: values[rows].std().item(), 40_000, parts=400)
    assert of_mean == pytest.approx(1 / 200, rel=0.15)
    assert of_deviation == pytest.approx(1 / 80_000**0.5, rel=0.15)


def test_the_error_of_a_figure_that_depends_on_n_is_of_the_size_of_what_repetition_shows() -> None:
    """Coverage of n / 5 samples is another figure: its variation says nothing of that of n."""
    generator = torch.Generator().manual_seed(0)
    real = Manifold.of(torch.randn(600, 8, generator=generator), 3, 5)
    sets = [torch.randn(600, 8, generator=generator) for _ in range(24)]

    def coverage(generated: torch.Tensor) -> float:
        return manifold_figures(generated, real).coverage

    repeated = torch.tensor([coverage(generated) for generated in sets]).std().item()
    told = [
        standard_error(lambda rows, x=generated: coverage(x[rows]), 600) for generated in sets[:8]
    ]
    assert 0.5 < sum(told) / len(told) / repeated < 2.5
