"""A comparison, as data: what the tables, charts and pages are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genzoo_eval.report import Figure, Report

if TYPE_CHECKING:
    from torch import Tensor

USABLE = 10.0
"""The best of a column, the fastest and the smallest are sought among models whose distance is
below this many floors, where there are any: noise is quickly made."""


@dataclass(frozen=True)
class Gallery:
    """Pictures that one model made; all are uint8 `[N, C, H, W]`.

    Attributes:
        samples: Without a prompt.
        classes: Pictures of each class, or of each caption, that was asked for, by its name.
        originals: Test images.
        copies: The same, encoded and decoded; None for a model that cannot encode.
        walk: From one seed to another.
        neighbours: The training image that is nearest to each of the first samples, in the
            features of a frozen net.
    """

    samples: Tensor
    classes: tuple[tuple[str, Tensor], ...] = ()
    originals: Tensor | None = None
    copies: Tensor | None = None
    walk: Tensor | None = None
    neighbours: Tensor | None = None


@dataclass(frozen=True)
class Row:
    """A model that was measured.

    Attributes:
        name: Its name, as it is shown.
        family: Its family.
        report: What was measured at its own settings, or at `settings`.
        summary: One line about it.
        settings: Options in which it departs from its own.
        curve: Further reports by number of sampling steps, fewest first.
        gallery: What it made; None where pictures were not asked for.
        baseline: Whether it stands for published work that the others are held against.
        source: Whose work a baseline follows.
        note: What is to be said of its figures, or "".
        shipped: Whether its weights ship, or lie here.
    """

    name: str
    family: str
    report: Report
    summary: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    curve: tuple[tuple[int, Report], ...] = ()
    gallery: Gallery | None = None
    baseline: bool = False
    source: str = ""
    note: str = ""
    shipped: bool = True

    @property
    def departure(self) -> str:
        """The settings in which it departs from its own, as text, or ""."""
        return ", ".join(f"{key}={value}" for key, value in self.settings.items())


@dataclass(frozen=True)
class Missing:
    """A baseline without figures, and why it has none."""

    title: str
    family: str
    source: str
    reason: str


@dataclass(frozen=True)
class Claim:
    """What is said of a family, held against what was measured.

    Attributes:
        text: The claim.
        verdict: "holds", "does not hold", "not measured".
        evidence: The figures that the verdict rests on, in words.
        rule: How it was decided.
    """

    text: str
    verdict: str
    evidence: str
    rule: str = ""


@dataclass(frozen=True)
class Steadiness:
    """How steadily small nets of one kind train.

    Attributes:
        title: Which nets: a family, or a variant of one.
        family: Their family.
        failed: Number of trainings that failed.
        runs: Number of trainings.
        seeds: Those of them at the recipe's own learning rate; 0 where that is not known.
        failed_seeds: Those of them that failed.
        figures: Title and value of what else was measured, as text; the same titles in each row.
    """

    title: str
    family: str
    failed: int
    runs: int
    figures: tuple[tuple[str, str], ...] = ()
    seeds: int = 0
    failed_seeds: int = 0

    @property
    def verdict(self) -> str:
        """In a few words: how many of the trainings failed."""
        if not 0 < self.seeds < self.runs:
            return f"{self.failed} of {self.runs} trainings failed"
        others = f"{self.failed - self.failed_seeds} of {self.runs - self.seeds} at other rates"
        return f"{self.failed_seeds} of {self.seeds} trainings failed, {others}"


@dataclass(frozen=True)
class Stability:
    """What `genzoo stability` found.

    Attributes:
        rows: A row for each kind of nets.
        claims: What is said of the families.
        protocol: How it was measured, in a sentence.
        command: The command that measures it again.
    """

    rows: tuple[Steadiness, ...]
    claims: tuple[Claim, ...] = ()
    protocol: str = ""
    command: str = ""

    def of(self, family: str) -> Steadiness | None:
        """The row that is called after a family, or else the first of it."""
        rows = [row for row in self.rows if row.family == family]
        return next((row for row in rows if row.title == family), rows[0] if rows else None)


@dataclass(frozen=True)
class Net:
    """A feature net that figures were measured in: its name, its weights, what it is."""

    name: str
    sha256: str
    summary: str = ""


@dataclass(frozen=True)
class Comparison:
    """Models of one dataset, side by side.

    Attributes:
        dataset: Its name.
        models: What is compared, family by family.
        baselines: Published work, measured the same way.
        missing: Published work that was not measured.
        nets: The feature nets, the one that is read first in front.
        stability: How steadily the families train; None where it was not measured.
        real: Test images, uint8 `[N, C, H, W]`; None where pictures were not asked for.
        captioned: A real image of each caption that models were asked for, uint8 `[N, C, H, W]`;
            None where they were asked for classes.
        left_out: What the page lacks and why, a sentence each.
        command: The command that makes it again.
    """

    dataset: str
    models: tuple[Row, ...]
    baselines: tuple[Row, ...] = ()
    missing: tuple[Missing, ...] = ()
    nets: tuple[Net, ...] = ()
    stability: Stability | None = None
    real: Tensor | None = None
    captioned: Tensor | None = None
    left_out: tuple[str, ...] = ()
    command: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Models, then baselines."""
        return (*self.models, *self.baselines)

    @property
    def net_names(self) -> tuple[str, ...]:
        """Names of the feature nets that there are distances in."""
        used = {f.net for row in self.rows for f in row.report.figures if f.key == "fd"}
        known = [net.name for net in self.nets if net.name in used]
        return (*known, *sorted(used - set(known)))

    def short(self, net: str) -> str:
        """What a net is called where there is little room: its name without the dataset's."""
        name = net.rsplit("/", 1)[-1].removeprefix("features-")
        for dataset in (self.dataset, self.dataset.split("_")[0]):
            name = name.removeprefix(f"{dataset}-")
        return name


@dataclass(frozen=True)
class Measured:
    """A value with its interval.

    Attributes:
        value: The value.
        spread: Its standard error, or None.
    """

    value: float
    spread: float | None = None

    def overlaps(self, other: Measured) -> bool:
        """Whether the two lie within two standard errors of their difference."""
        if self.spread is None or other.spread is None:
            return self.value == other.value
        return abs(self.value - other.value) <= 2 * math.hypot(self.spread, other.spread)


def over_floor(report: Report, net: str) -> Measured | None:
    """The Fréchet distance in the features of `net` as a multiple of its floor, which is 1."""
    figure = report.figure("fd", net)
    if figure is None or not figure.floor:
        return None
    return ratio(figure, figure.floor)


def ratio(figure: Figure, by: float) -> Measured:
    """A figure and its spread, divided."""
    return Measured(figure.value / by, None if figure.spread is None else figure.spread / by)


def quality(report: Report, nets: tuple[str, ...]) -> Measured | None:
    """Fréchet distance over floor, the geometric mean over feature nets.

    No net sees everything; a model must be close in all of them. The spread is that of a
    product of independent factors, to first order. None where a net's figure is missing.
    """
    found = [over_floor(report, net) for net in nets]
    ratios = [m for m in found if m is not None]
    if not ratios or len(ratios) < len(nets):
        return None
    value = math.exp(sum(math.log(max(m.value, 1e-9)) for m in ratios) / len(ratios))
    spreads = [m.spread / m.value for m in ratios if m.spread is not None and m.value > 0]
    if len(spreads) < len(ratios):
        return Measured(value)
    return Measured(value, value * math.hypot(*spreads) / len(ratios))


def can_run(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows whose models ship; all, where none does."""
    return tuple(row for row in rows if row.shipped) or rows


def usable(rows: tuple[Row, ...], nets: tuple[str, ...]) -> tuple[Row, ...]:
    """The rows whose pictures are close enough to real ones; all, where none are."""
    close = [(row, quality(row.report, nets)) for row in rows]
    return tuple(row for row, q in close if q is not None and q.value < USABLE) or rows
