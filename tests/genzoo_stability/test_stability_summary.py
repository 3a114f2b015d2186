"""What checkpoints say of a variant, by hand-computed examples."""

from __future__ import annotations

import pytest

from genzoo_stability.plan import QUICK, VARIANTS, Settings, plan_runs
from genzoo_stability.results import Row
from genzoo_stability.summary import failures, sensitivity, summarize, variation, wobble

GAN = VARIANTS["gan"]
AUTOENCODER = VARIANTS["autoencoder"]


def row(
    seed: int,
    fd: float,
    *,
    rate: float = 1.0,
    step: int = 10,
    failed: str | None = None,
    **other: float,
) -> Row:
    """A checkpoint of a training of 10 steps."""
    figures = {"fd": fd, "kid": fd / 100, "coverage": 0.8, "class_tv": 0.05, **other}
    run = f"gan-rate{rate:g}-seed{seed}"
    return Row(run, "gan", rate, seed, step, 10, {} if failed else figures, failed)


def test_a_run_far_from_the_others_of_its_kind_failed() -> None:
    # The median of 10, 10, 12, 31, 36.1 is 12; three times that is 36.
    ends = [row(seed, fd) for seed, fd in enumerate([10, 10, 12, 31, 36.1])]
    assert [failures(GAN, end, ends) for end in ends] == [(), (), (), (), ("far",)]


def test_a_run_that_draws_few_kinds_of_pictures_failed() -> None:
    # The median coverage is 0.8: below 0.4 is too thin. A total variation of 0.2 is still well.
    ends = [
        row(0, 10),
        row(1, 10, coverage=0.41, class_tv=0.2),
        row(2, 10, coverage=0.39),
        row(3, 10, class_tv=0.21),
        row(4, 10, coverage=0.1, class_tv=0.9),
        row(5, 0, failed="the loss became nan"),
        row(6, 10),
        row(7, 10),
    ]
    expected = [(), (), ("thin",), ("lopsided",), ("thin", "lopsided"), ("diverged",), (), ()]
    assert [failures(GAN, end, ends) for end in ends] == expected
    summary = summarize(GAN, ends)
    assert (summary.failed, summary.runs, summary.failed_share) == (4, 8, 0.5)
    assert summary.reasons == {"thin": 2, "lopsided": 2, "diverged": 1}


def test_what_is_not_generative_is_judged_by_its_reconstructions() -> None:
    # Pictures from N(0, I) that are all of one class are no failure of an autoencoder.
    ends = [
        row(seed, 500, class_tv=0.9, coverage=0.0, reconstruction_mse=error)
        for seed, error in enumerate([0.01, 0.01, 0.02, 0.04])
    ]
    # The median is 0.015, three times that 0.045.
    assert [failures(AUTOENCODER, end, ends) for end in ends] == [(), (), (), ()]
    summary = summarize(AUTOENCODER, ends)
    # Mean 0.02; deviations -0.01, -0.01, 0, 0.02; variance (1 + 1 + 0 + 4) / 3 * 1e-4.
    assert summary.cv == pytest.approx(2**0.5 * 0.01 / 0.02)
    assert summary.judged_by == "reconstruction_mse"


def test_variation_is_the_sample_standard_deviation_over_the_mean() -> None:
    assert variation([1, 2, 3]) == pytest.approx(0.5)
    assert variation([4, 4]) == 0
    assert variation([1]) is None
    assert variation([-1, 1]) is None  # an unbiased kernel distance can have a mean of 0


def test_rate_sensitivity_is_the_worst_median_over_the_best() -> None:
    ends = [
        *(row(seed, fd) for seed, fd in enumerate([9, 10, 14])),
        *(row(seed, fd, rate=3.0) for seed, fd in enumerate([20, 30])),
        *(row(seed, fd, rate=0.333) for seed, fd in enumerate([12, 16])),
    ]
    summary = summarize(GAN, ends)
    assert summary.by_rate == {"0.333": 14, "1": 10, "3": 25}
    assert summary.sensitivity == 2.5
    assert (summary.runs, summary.seeds) == (7, 3)
    assert summary.medians["fd"] == 10  # of the runs at the recipe's own rate
    assert summary.cv == pytest.approx(variation([0.09, 0.10, 0.14]))


def test_a_rate_at_which_a_training_diverged_has_no_median() -> None:
    ends = [row(0, 10), row(0, 0, rate=3.0, failed="nan"), row(1, 12, rate=3.0)]
    summary = summarize(GAN, ends)
    assert summary.by_rate == {"1": 10, "3": None}
    assert summary.sensitivity is None


def test_sensitivity_needs_two_rates() -> None:
    assert sensitivity([3.0]) is None
    assert sensitivity([2.0, 3.0, 8.0]) == 4


def test_wobble_is_the_variation_over_the_checkpoints_of_the_runs_at_their_own_rate() -> None:
    steady = [row(0, 10, step=step) for step in (6, 8, 10)]
    wild = [row(1, fd, step=step) for fd, step in zip([10, 20, 30], (6, 8, 10), strict=True)]
    assert wobble([steady], "fd") == 0
    assert wobble([steady, wild], "fd") == pytest.approx(0.25)  # the median of 0 and 0.5
    summary = summarize(GAN, [*steady, *wild, row(0, 99, rate=3.0)])
    assert summary.wobble == pytest.approx(0.25)
    assert summary.checkpoints == 3


def test_trainings_under_way_are_not_counted() -> None:
    summary = summarize(GAN, [row(0, 10), row(1, 50, step=6)])
    assert (summary.runs, summary.seeds, summary.wobble, summary.cv) == (1, 1, None, None)
    nothing = summarize(GAN, [])
    assert (nothing.runs, nothing.failed_share, nothing.medians) == (0, None, {})


def test_the_protocol_in_full_is_nine_trainings_a_variant() -> None:
    runs = plan_runs("gan", 1500, Settings("mnist", "net"))
    own = [run for run in runs if run.rate == 1]
    assert [run.seed for run in own] == [0, 1, 2, 3, 4]
    assert all(run.marks == (900, 1050, 1200, 1350, 1500) for run in own)
    others = [(round(run.rate, 3), run.seed, run.marks) for run in runs if run.rate != 1]
    end = (1500,)
    assert others == [(0.333, 0, end), (0.333, 1, end), (3.0, 0, end), (3.0, 1, end)]
    assert len({run.name for run in runs}) == 9


def test_the_quick_one_is_four() -> None:
    runs = plan_runs("gan", 10, Settings("mnist", "net", **QUICK))
    assert [(round(run.rate, 3), run.seed, run.marks) for run in runs] == [
        (1.0, 0, (5, 10)),
        (1.0, 1, (5, 10)),
        (0.333, 0, (10,)),
        (3.0, 0, (10,)),
    ]


def test_a_training_shorter_than_its_checkpoints_has_fewer() -> None:
    run = plan_runs("gan", 2, Settings("mnist", "net"))[0]
    assert run.marks == (1, 2)
