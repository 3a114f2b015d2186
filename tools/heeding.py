"""How well words are heeded: Markdown, from the reports that ship.

    python tools/heeding.py

First each emoji model beside real pictures, those of 32 pixels and those of 64, then what guidance
does to `flow-emoji`. `docs/conditioning.md` shows what it prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from targets import row

from genzoo_compare.claims import figure_of, multiple, net_of, own_report
from genzoo_eval.api import Figure, Report, shipped

MODELS = ("ae-emoji", "vae-emoji", "gan-emoji", "flow-emoji", "ldm-emoji", "flow1-emoji")
LARGER = ("ldm-emoji-64",)
CURVE = "flow-emoji"
CAPTIONS, LOOKS = "dual", "self-supervised"

SHARES = {
    "R@10, seen captions": ("r10_seen", CAPTIONS),
    "of rarer kinds": ("r10_rarer", CAPTIONS),
    "R@10, held-out captions": ("r10_held_out", CAPTIONS),
    "composed": ("composed", CAPTIONS),
    "nearer to training pictures, held-out captions": ("nearer_held_out", LOOKS),
    "asked style seen": ("style", LOOKS),
}
"""Columns: their titles, the figures, and in the features of which kind of net."""


def main() -> None:
    print("\n".join([*models(MODELS), "", *models(LARGER), "", *curve()]))


def models(names: Sequence[str]) -> Iterator[str]:
    """A row for each model of a dataset, at its own settings."""
    reports = [own_report(name) for name in names]
    yield row("", *SHARES, "Fréchet distance ÷ floor (captions, self-supervised)")
    yield "|---" + "|--:" * (len(SHARES) + 1) + "|"
    yield cells("*real pictures*", reports[0], lambda figure: figure.floor, ("1×", "1×"))
    for name, report in zip(names, reports, strict=True):
        distances = tuple(
            f"{multiple(report, 'fd', net_of(report, kind)):.1f}×" for kind in (CAPTIONS, LOOKS)
        )
        yield cells(f"`{name}`", report, lambda figure: figure.value, distances)


def cells(
    title: str, report: Report, value: Callable[[Figure], float | None], distances: tuple[str, ...]
) -> str:
    found = [value(figure_of(report, key, net_of(report, kind))) for key, kind in SHARES.values()]
    shares = ["–" if share is None else f"{share:.1%}".replace("%", " %") for share in found]
    return row(title, *shares, ", ".join(distances))


def curve() -> Iterator[str]:
    """A column for each scale of guidance that ships."""
    reports = sorted(
        (
            report
            for report in shipped().values()
            if report.subject.name == f"genzoo/{CURVE}"
            and report.subject.options["guidance"] is not None
        ),
        key=lambda report: float(report.subject.options["guidance"]),
    )
    yield row("guidance", *(f"{report.subject.options['guidance']:g}" for report in reports))
    yield "|---" + "|--:" * len(reports) + "|"
    for key, title in (
        ("r10_seen", "R@10, seen captions"),
        ("r10_held_out", "R@10, held-out captions"),
        (
            "composed",
            "composed: nearer to a real picture of the held-out caption than to any trained on",
        ),
    ):
        shares = (figure_of(report, key, net_of(report, CAPTIONS)).value for report in reports)
        yield row(title, *(f"{share:.1%}".replace("%", " %") for share in shares))


if __name__ == "__main__":
    main()
