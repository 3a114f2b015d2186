"""What tutorials say of the families, judged by the reports that ship.

`genzoo stability` judges the same sentences by small nets that are trained for an equal time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from genzoo_compare.verdicts import USABLE, over_floor
from genzoo_eval.api import Figure, Report, shipped, usual_n
from genzoo_stability.api import BLURRY

FAMILIES = {"ae": "autoencoder", "vae": "VAE", "gan": "GAN", "flow": "diffusion"}
"""How the name of each family's best model begins, and the family."""

OBEYED = 0.9
"""Share of pictures that show the class of their prompt, above which conditioning works."""

Figures = Mapping[str, float]
"""A figure of each family's best model, by the beginning of its name."""


@dataclass(frozen=True)
class Claim:
    """A sentence, and the rule that decides whether it holds."""

    text: str
    rule: str
    form: str
    figure: Callable[[Report], float]
    holds: Callable[[Figures], bool]

    def of(self, dataset: str) -> tuple[Figures, bool]:
        """The figures of a dataset's best models, and whether the claim holds."""
        found = {family: self.figure(own_report(f"{family}-{dataset}")) for family in FAMILIES}
        return found, self.holds(found)


def own_report(name: str) -> Report:
    """The one report that ships of a model of genzoo's at its own settings."""
    (found,) = (
        report
        for report in shipped().values()
        if report.subject.name == f"genzoo/{name}"
        and report.n == usual_n(report.dataset)
        and not report.subject.options.get("steps")
    )
    return found


def net_of(report: Report, kind: str = "") -> str:
    """The feature net of a report whose name ends so; by default the one that knows classes or
    captions."""
    kinds = (kind,) if kind else ("classifier", "dual")
    return next(f.net for f in report.figures if f.net.endswith(kinds))


def figure_of(report: Report, key: str, net: str = "") -> Figure:
    """A figure that the report must have."""
    figure = report.figure(key, net)
    assert figure is not None, (report.subject.name, key, net)
    return figure


def multiple(report: Report, key: str, net: str = "") -> float:
    """A figure that the report must have, over its floor."""
    found = over_floor(report, key, net)
    assert found is not None, (report.subject.name, key, net)
    return found.value


def distance(report: Report) -> float:
    """The Fréchet distance over its floor, in the features of `net_of`."""
    return multiple(report, "fd", net_of(report))


def coverage(report: Report) -> float:
    """The coverage over its floor, in the features of `net_of`."""
    return multiple(report, "coverage", net_of(report))


CLAIMS = (
    Claim(
        "An autoencoder is not generative",
        f"FD ÷ floor of {USABLE:g} or more",
        "{:.3g}×",
        distance,
        lambda found: found["ae"] >= USABLE,
    ),
    Claim(
        "A VAE is smooth and somewhat blurry",
        f"sharpness ÷ real under {BLURRY:g}",
        "{:.2f}",
        lambda report: multiple(report, "sharpness"),
        lambda found: found["vae"] < BLURRY,
    ),
    Claim(
        "A GAN is sharp",
        f"sharpness ÷ real over {BLURRY:g}",
        "{:.2f}",
        lambda report: multiple(report, "sharpness"),
        lambda found: found["gan"] > BLURRY,
    ),
    Claim(
        "A GAN leaves out part of the data",
        "coverage ÷ floor, the smallest",
        "{:.2f}",
        coverage,
        lambda found: found["gan"] == min(found.values()),
    ),
    Claim(
        "Diffusion gives the best pictures",
        "FD ÷ floor, the smallest",
        "{:.3g}×",
        distance,
        lambda found: found["flow"] == min(found.values()),
    ),
    Claim(
        "The same, seen by another net",
        "self-supervised FD ÷ floor, the smallest",
        "{:.3g}×",
        lambda report: multiple(report, "fd", net_of(report, "self-supervised")),
        lambda found: found["flow"] == min(found.values()),
    ),
    Claim(
        "Diffusion is slow",
        "million operations a picture, the most",
        "{:,.0f}",
        lambda report: figure_of(report, "flops").value,
        lambda found: found["flow"] == max(found.values()),
    ),
    Claim(
        "Conditioning layers on all four",
        f"asked class seen, over {100 * OBEYED:g} %",
        "{:.1%}",
        lambda report: figure_of(report, "accuracy").value,
        lambda found: min(found.values()) > OBEYED,
    ),
)
"""What tutorials say, in the order in which it is shown."""
