"""The tutorial's claims, decided from figures."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from genzoo_core import DataError
from genzoo_stability.claims import gradient_left, judge_claims
from genzoo_stability.results import StabilityResults, Starved, Summary, load
from genzoo_stability.table import lines

FLOOR = {"fd": 1.0, "kid": 0.001, "coverage": 0.95, "class_tv": 0.01, "sharpness": 1000.0}


def summary(variant: str, fd: float, **changes: object) -> Summary:
    """A variant that trains as well as can be."""
    figures = {
        "fd": fd,
        "kid": 0.1,
        "coverage": 0.9,
        "sharpness": 990.0,
        "images_per_second": 800.0,
    }
    fields = {
        "variant": variant,
        "family": variant.partition("-")[0],
        "judged_by": "fd",
        "runs": 9,
        "seeds": 5,
        "steps": 1000,
        "failed": 0,
        "reasons": {},
        "medians": figures | dict(changes.pop("medians", {})),  # type: ignore[call-overload]
        "cv": 0.05,
        "by_rate": {"0.333": 2 * fd, "1": fd, "3": fd},
        "sensitivity": 2.0,
        "wobble": 0.02,
        "checkpoints": 5,
    }
    return msgspec.convert(fields | changes, Summary)


AS_TOLD = (
    summary("autoencoder", 300, judged_by="reconstruction_mse"),
    summary("vae", 60, medians={"sharpness": 500.0}),
    summary("gan-classic", 50, failed=6, wobble=0.5),
    summary("gan", 20, failed=1, wobble=0.1),
    summary("diffusion", 10, medians={"images_per_second": 50.0}),
)
"""Summaries as tutorials would have them."""

STARVING = tuple(
    Starved(loss, seed, steps, margin=steps / 10, gradient=gradient)
    for loss, course in {
        "minimax": ((10, 1.0), (100, 0.2), (1000, 0.001)),
        "relativistic": ((10, 1.0), (100, 2.0), (1000, 0.5)),
    }.items()
    for steps, gradient in course
    for seed in range(3)
)


def verdicts(*summaries: Summary, starving: tuple[Starved, ...] = STARVING) -> list[str]:
    """The first letters of the verdicts: h(olds), d(oes not hold), n(ot measured)."""
    return [claim.verdict[0] for claim in judge_claims(summaries, FLOOR, starving)]


def test_figures_as_tutorials_tell_them_make_every_claim_hold() -> None:
    assert verdicts(*AS_TOLD) == ["h"] * 10


def test_without_figures_nothing_is_decided() -> None:
    assert verdicts(starving=()) == ["n"] * 10


def test_two_seeds_are_too_few_to_conclude_from() -> None:
    few = [msgspec.structs.replace(s, seeds=2) for s in AS_TOLD]
    assert verdicts(*few) == [*"nnnnn", "h", "h", *"nnn"]


@pytest.mark.parametrize(
    ("index", "changes", "claim"),
    [
        (0, {"failed": 1}, 0),
        (0, {"cv": 0.11}, 0),
        (0, {"medians": {"fd": 59.0}}, 1),
        (1, {"medians": {"fd": 60.0, "sharpness": 900.0, "images_per_second": 800.0}}, 2),
        (2, {"failed": 0, "wobble": 0.02}, 3),
        (3, {"failed": 0, "wobble": 0.01}, 4),
        (4, {"failed": 1}, 7),
        (4, {"medians": {"fd": 10.0, "images_per_second": 900.0}}, 8),
        (4, {"medians": {"fd": 21.0, "images_per_second": 50.0}}, 9),
    ],
)
def test_a_claim_does_not_hold_where_its_figures_say_otherwise(
    index: int, changes: dict[str, object], claim: int
) -> None:
    told = list(AS_TOLD)
    told[index] = msgspec.structs.replace(told[index], **changes)
    assert verdicts(*told)[claim] == "d"


def test_a_gan_that_fails_as_seldom_as_others_is_unstable_by_its_wobble() -> None:
    calm = msgspec.structs.replace(AS_TOLD[3], failed=0, wobble=0.021)
    assert verdicts(*AS_TOLD[:3], calm, AS_TOLD[4])[4] == "h"


def test_what_is_left_of_a_gradient_is_that_after_the_longest_training() -> None:
    assert gradient_left(STARVING, "minimax") == pytest.approx(0.001)
    assert gradient_left(STARVING, "relativistic") == 0.5
    assert gradient_left(STARVING[:1], "minimax") is None
    fed = tuple(msgspec.structs.replace(s, gradient=1.0) for s in STARVING)
    assert verdicts(*AS_TOLD, starving=fed)[5:7] == ["d", "h"]
    hungry = tuple(msgspec.structs.replace(s, gradient=1 / s.steps) for s in STARVING)
    assert verdicts(*AS_TOLD, starving=hungry)[5:7] == ["h", "d"]


@pytest.fixture
def results() -> StabilityResults:
    return StabilityResults(
        dataset="mnist",
        seconds=240,
        n=2000,
        judge="features-mnist-classifier",
        judge_sha256="0" * 64,
        floor=FLOOR,
        summaries=AS_TOLD,
        claims=judge_claims(AS_TOLD, FLOOR, STARVING),
        starving=STARVING,
        rows=(),
    )


def test_results_come_back_from_their_file(results: StabilityResults, tmp_path: Path) -> None:
    path = tmp_path / "stability-mnist.json"
    path.write_bytes(msgspec.json.encode(results))
    assert load(path) == results
    gan = load(path).summaries[3]
    assert gan.failed_share == pytest.approx(1 / 9)


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"dataset": 3}')
    with pytest.raises(DataError, match=r"x\.json holds no stability results: Expected `str`"):
        load(tmp_path / "x.json")


def test_the_table_has_a_line_for_each_variant_and_one_for_real_images(
    results: StabilityResults,
) -> None:
    text = list(lines(results))
    assert [line.split("  ")[0] for line in text[:7]] == [
        "trained",
        *(s.variant for s in AS_TOLD),
        "real images",
    ]
    assert max(map(len, text[:12])) <= 120
    assert sum(line.startswith("holds ") for line in text) == 10
