"""A comparison, as data: what the tables, charts and pages are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genzoo_compare.baselines import Baseline
from genzoo_eval.api import Report
from genzoo_stability.api import StabilityResults

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Gallery:
    """Pictures of one model; all are uint8 `[N, C, H, W]`.

    Attributes:
        copies: The same, encoded and decoded; None for a model that cannot encode.
        neighbours: The training image that is nearest to each of the first samples, in the
            features of a frozen net.
    """

    samples: Tensor
    prompted: tuple[tuple[str, Tensor], ...] = ()
    originals: Tensor | None = None
    copies: Tensor | None = None
    walk: Tensor | None = None
    neighbours: Tensor | None = None


@dataclass(frozen=True)
class Row:
    """A model that was measured.

    Attributes:
        settings: Options that differ from its own, at which `report` was measured.
        curve: Further reports by number of sampling steps, fewest first.
        baseline: The published work that it is, which the others are compared with.
        shipped: Whether its weights ship, or lie here.
    """

    name: str
    family: str
    report: Report
    summary: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    curve: tuple[tuple[int, Report], ...] = ()
    gallery: Gallery | None = None
    baseline: Baseline | None = None
    shipped: bool = True

    @property
    def departure(self) -> str:
        """`settings` as text, or ""."""
        return ", ".join(f"{key}={value}" for key, value in self.settings.items())

    @property
    def note(self) -> str:
        """A remark on its figures, or ""."""
        return self.baseline.note if self.baseline else ""


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
        rows: Models, then baselines, both by family.
        real: Test images, uint8 `[N, C, H, W]`; None without pictures.
        captioned: A real image of each caption in the galleries, uint8 `[N, C, H, W]`; None where
            prompts are classes.
        nets: The feature nets, the one to read first in front.
        left_out: What the page lacks and why, a sentence each.
    """

    dataset: str
    rows: tuple[Row, ...]
    missing: tuple[Baseline, ...] = ()
    nets: tuple[Net, ...] = ()
    stability: StabilityResults | None = None
    real: Tensor | None = None
    captioned: Tensor | None = None
    left_out: tuple[str, ...] = ()
    command: str = ""

    @property
    def net_names(self) -> tuple[str, ...]:
        """Names of the feature nets that there are distances in."""
        used = {f.net for row in self.rows for f in row.report.figures if f.key == "fd"}
        listed = [net.name for net in self.nets if net.name in used]
        return (*listed, *sorted(used - set(listed)))

    def short(self, net: str) -> str:
        """A net's name where there is little room: without the dataset's."""
        name = net.rsplit("/", 1)[-1].removeprefix("features-")
        for dataset in (self.dataset, self.dataset.split("_")[0]):
            name = name.removeprefix(f"{dataset}-")
        return name

    @property
    def counts(self) -> str:
        """Numbers of pictures that figures were measured on: "5,000 or 10,000"."""
        return " or ".join(f"{n:,}" for n in sorted({row.report.n for row in self.rows}))

    @property
    def machines(self) -> str:
        """Where speed was measured, or ""."""
        return "; ".join(sorted({row.report.machine for row in self.rows} - {""}))
