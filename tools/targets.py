"""Hold the models that ship to what is wanted of them: Markdown, from the reports that ship.

    python tools/targets.py

Distances and coverage are multiples of the floor, which is what as many real images get, in the
features of the classifier (for emoji, of the net that knows captions). `docs/weights.md` shows what
it prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genzoo_compare.claims import coverage, distance, figure_of, multiple, net_of, own_report
from genzoo_eval.api import Report

TEST_CLASSES = {
    "mnist": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    "fashion_mnist": (1000,) * 10,
}
"""How often each class occurs among the 10,000 test images."""

DISTANCE = {
    "mnist": {"flow": 5, "gan": 5, "ddpm": 6, "vae": 15, "ae": 15, "ldm": 15},
    "fashion_mnist": {"flow": 5, "gan": 5, "vae": 15, "ae": 15},
}
"""The most that a model's Fréchet distance may be, by what its name begins with."""

ACCURACY = {"mnist": 0.99, "fashion_mnist": 0.92}
COVERAGE = {"mnist": 0.9, "fashion_mnist": 0.85}
CLASS_GAP = 0.02
TEACHERS = {"flow1-mnist": "flow-mnist", "flow1-emoji": "ldm-emoji"}
OF_TEACHER = 1.5
"""Models of one evaluation and what they learnt from, in 19; how many times as far they may be."""

SEEN, HELD_OUT, WITHIN = 0.75, 0.55, 0.15
"""Shares of the real pictures' R@10 that flow-emoji is to reach; how far others may be below it."""

LARGER = ("ldm-emoji-64",)
LARGER_SEEN, LARGER_HELD_OUT, LARGER_STYLE, LARGER_DISTANCE = 0.9, 0.8, 0.9, 3
"""Emoji of 64 pixels, and what they are to reach: shares of the real pictures' R@10, the share of
pictures in the style that was asked for, and the most that a distance may be."""


@dataclass(frozen=True)
class Cell:
    """A figure and whether it is what is wanted."""

    text: str
    met: bool

    def __str__(self) -> str:
        return self.text if self.met else f"*{self.text}*"


def main() -> None:
    print("\n".join(lines()))


def lines() -> Iterator[str]:
    """The tables: digits and clothes, emoji, those of 64 pixels, few steps.

    What is not reached is in italics.
    """
    yield row(
        "", "FD ÷ floor", "wanted", "asked class seen", "wanted", "class gap", "coverage ÷ floor"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for dataset, models in DISTANCE.items():
        for family, most in models.items():
            name = f"{family}-{dataset.partition('_')[0]}"
            report = own_report(name)
            accuracy = figure_of(report, "accuracy").value
            yield row(
                f"`{name}`",
                at_most(distance(report), most, "{:.3g}×"),
                f"≤ {most}×",
                at_least(accuracy, ACCURACY[dataset], "{:.1%}"),
                f"≥ {ACCURACY[dataset]:.0%}",
                at_most(class_gap(report), CLASS_GAP, "{:.1%}"),
                at_least(coverage(report), COVERAGE[dataset], "{:.2f}"),
            )
    yield ""
    yield "| | R@10, seen ÷ real | R@10, held-out ÷ real |"
    yield "|---|--:|--:|"
    keys = ("r10_seen", "r10_held_out")
    first = [multiple(own_report("flow-emoji"), key) for key in keys]
    for name in ("flow-emoji", "ldm-emoji", "gan-emoji"):
        least = (SEEN, HELD_OUT) if name == "flow-emoji" else [share - WITHIN for share in first]
        report = own_report(name)
        found = zip((multiple(report, key) for key in keys), least, strict=True)
        yield row(f"`{name}`", *(at_least(share, wanted, "{:.1%}") for share, wanted in found))
    yield ""
    yield "| | R@10, seen ÷ real | R@10, held-out ÷ real | asked style seen | FD ÷ floor |"
    yield "|---|--:|--:|--:|--:|"
    yield row(
        "*wanted*",
        f"≥ {LARGER_SEEN:.0%}",
        f"≥ {LARGER_HELD_OUT:.0%}",
        f"≥ {LARGER_STYLE:.0%}",
        f"≤ {LARGER_DISTANCE}×",
    )
    for name in LARGER:
        report = own_report(name)
        style = figure_of(report, "style", net_of(report, "self-supervised"))
        yield row(
            f"`{name}`",
            at_least(multiple(report, "r10_seen"), LARGER_SEEN, "{:.1%}"),
            at_least(multiple(report, "r10_held_out"), LARGER_HELD_OUT, "{:.1%}"),
            at_least(style.value, LARGER_STYLE, "{:.1%}"),
            at_most(distance(report), LARGER_DISTANCE, "{:.3g}×"),
        )
    yield ""
    yield row(
        "", "learnt from", "FD ÷ floor", "FD ÷ teacher's", "wanted", "operations of teacher ÷ own"
    )
    yield "|---|---|--:|--:|--:|--:|"
    for name, teacher in TEACHERS.items():
        pupil, taught_by = own_report(name), own_report(teacher)
        yield row(
            f"`{name}`",
            f"`{teacher}`",
            f"{distance(pupil):.3g}×",
            at_most(distance(pupil) / distance(taught_by), OF_TEACHER, "{:.2f}×"),
            f"≤ {OF_TEACHER}×",
            f"{operations(taught_by) / operations(pupil):.0f}",
        )


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def at_most(value: float, most: float, shown: str) -> Cell:
    return Cell(shown.format(value), value <= most)


def at_least(value: float, least: float, shown: str) -> Cell:
    return Cell(shown.format(value), value >= least)


def operations(report: Report) -> float:
    """Million multiplications and additions a picture without a prompt."""
    return figure_of(report, "flops").value


def class_gap(report: Report) -> float:
    """The most that the share of a class, without a prompt, differs from the test images'."""
    seen, real = report.tables["class_histogram"], TEST_CLASSES[report.dataset]
    return max(abs(s - r / sum(real)) for s, r in zip(seen, real, strict=True))


if __name__ == "__main__":
    main()
