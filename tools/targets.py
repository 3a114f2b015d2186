"""Hold the models that ship to what is wanted of them: Markdown, from the reports that ship.

    python tools/targets.py

Distances and coverage are multiples of the floor, which is what as many real images get, in the
features of the classifier (for emoji, of the net that knows captions). `docs/weights.md` shows what
it prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genzoo_eval.report import Report
from genzoo_eval.report_store import shipped, usual_n

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
    """The tables: digits and clothes, emoji, few steps. What is not reached is in italics."""
    yield row(
        "", "FD ÷ floor", "wanted", "asked class seen", "wanted", "class gap", "coverage ÷ floor"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for dataset, wanted in DISTANCE.items():
        for family, most in wanted.items():
            name = f"{family}-{dataset.partition('_')[0]}"
            report = own(name)
            accuracy = figure(report, "accuracy")[0]
            yield row(
                f"`{name}`",
                at_most(ratio(report, "fd"), most, "{:.3g}×"),
                f"≤ {most}×",
                at_least(accuracy, ACCURACY[dataset], "{:.1%}"),
                f"≥ {ACCURACY[dataset]:.0%}",
                at_most(class_gap(report), CLASS_GAP, "{:.1%}"),
                at_least(ratio(report, "coverage"), COVERAGE[dataset], "{:.2f}"),
            )
    yield ""
    yield "| | R@10, seen ÷ real | R@10, held-out ÷ real |"
    yield "|---|--:|--:|"
    keys = ("r10_seen", "r10_held_out")
    first = [ratio(own("flow-emoji"), key) for key in keys]
    for name in ("flow-emoji", "ldm-emoji", "gan-emoji"):
        least = (SEEN, HELD_OUT) if name == "flow-emoji" else [share - WITHIN for share in first]
        report = own(name)
        found = (at_least(ratio(report, k), m, "{:.1%}") for k, m in zip(keys, least, strict=True))
        yield row(f"`{name}`", *found)
    yield ""
    yield row(
        "", "learnt from", "FD ÷ floor", "FD ÷ teacher's", "wanted", "operations of teacher ÷ own"
    )
    yield "|---|---|--:|--:|--:|--:|"
    for name, teacher in TEACHERS.items():
        pupil, taught_by = own(name), own(teacher)
        yield row(
            f"`{name}`",
            f"`{teacher}`",
            f"{ratio(pupil, 'fd'):.3g}×",
            at_most(figure(pupil, "fd")[0] / figure(taught_by, "fd")[0], OF_TEACHER, "{:.2f}×"),
            f"≤ {OF_TEACHER}×",
            f"{operations(teacher) / operations(name):.0f}",
        )


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def at_most(value: float, most: float, shown: str) -> Cell:
    return Cell(shown.format(value), value <= most)


def at_least(value: float, least: float, shown: str) -> Cell:
    return Cell(shown.format(value), value >= least)


def own(name: str) -> Report:
    """The report of a model at its own settings."""
    (found,) = (
        report
        for report in shipped().values()
        if report.subject.name == f"genzoo/{name}"
        and report.n == usual_n(report.dataset)
        and not report.subject.options.get("steps")
    )
    return found


def figure(report: Report, key: str) -> tuple[float, float]:
    """A figure and its floor, in the features of the net that knows classes or captions."""
    judged = ("classifier", "dual")
    (found,) = (f for f in report.figures if f.key == key and f.net.endswith(judged))
    return found.value, found.floor or 1.0


def ratio(report: Report, key: str) -> float:
    value, floor = figure(report, key)
    return value / floor


def operations(name: str) -> float:
    """Million multiplications and additions a picture, where nothing is asked."""
    (found,) = (figure.value for figure in own(name).figures if figure.key == "flops")
    return found


def class_gap(report: Report) -> float:
    """The most that the share of a class, without a prompt, differs from the test images'."""
    seen, real = report.tables["class_histogram"], TEST_CLASSES[report.dataset]
    return max(abs(s - r / sum(real)) for s, r in zip(seen, real, strict=True))


if __name__ == "__main__":
    main()
