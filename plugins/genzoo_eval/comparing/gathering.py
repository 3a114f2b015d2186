"""Gathers a comparison: reports, pictures, baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from genzoo_core.errors import DataError, GenzooError
from genzoo_core.zoo import Zoo
from genzoo_eval.comparing.baselines import Baseline, baselines, shipped_reports
from genzoo_eval.comparing.choosing import Contender, choose, settled
from genzoo_eval.comparing.comparison import Comparison, Missing, Net, Row
from genzoo_eval.comparing.families import in_order
from genzoo_eval.comparing.picturing import SAMPLES, RealImages, picture
from genzoo_eval.comparing.steadiness import as_stability
from genzoo_eval.evaluating import cached_report, evaluate
from genzoo_eval.feature_nets import FrozenNet, classifier_of, load_nets
from genzoo_eval.report import Report
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import OnProgress
from genzoo_stability.api import load_shipped

STEPS = (1, 2, 5)
"""Numbers of sampling steps at which models that have steps are measured besides their own."""


@dataclass(frozen=True)
class Asked:
    """What is compared.

    Attributes:
        dataset: Name of the dataset.
        folder: What holds it; None for the Hub.
        models: Names or files; none for all of the dataset, and its baselines.
        n: Number of pictures of each.
        seed: Seed of the first.
        curve: Measure at further numbers of steps, instead of taking what is known.
        pictures: Whether pictures are wanted.
        command: The command that asked.
    """

    dataset: str
    folder: Path | None = None
    models: tuple[str, ...] = ()
    n: int = 10_000
    seed: int = 0
    curve: bool = False
    pictures: bool = False
    command: str = ""


@dataclass(frozen=True)
class Gatherer:
    """Gathers what was asked for.

    Attributes:
        zoo: Where the models are.
        asked: What was asked.
        tell: Told what takes a while, and what is left out.
        on_progress: Told how far the making of images is.
    """

    zoo: Zoo
    asked: Asked
    tell: Callable[[str], None]
    on_progress: OnProgress

    def gather(self) -> Comparison:
        """The comparison; see `choose` for what is refused.

        A model that was not named and cannot be measured is left out, with the reason.

        Raises:
            DataError: Nothing is known of any model, and the dataset cannot be read.
            GenzooError: A model that was named cannot be measured.
        """
        asked, left_out = self.asked, list[str]()
        contenders = choose(self.zoo, asked.models, asked.dataset)
        nets = load_nets(self.zoo, asked.dataset)
        real = self._real(nets, left_out)
        known = {baseline.name: baseline for baseline in baselines(asked.dataset)}
        rows = []
        no_data: DataError | None = None
        for contender in contenders:
            try:
                rows.append(self._row(contender, known.get(contender.name), nets, real))
            except GenzooError as error:
                if asked.models:
                    raise
                left_out.append(f"{contender.name} is left out: {error}")
                no_data = error if isinstance(error, DataError) else no_data
        if not rows and no_data is not None:
            raise no_data
        for sentence in left_out:
            self.tell(sentence)
        shipped = {} if asked.models else shipped_reports(asked.dataset)
        there = {row.name for row in rows}
        absent = [] if asked.models else [b for b in known.values() if b.name not in there]
        rows += [_baseline_row(b, shipped[b.name]) for b in absent if b.name in shipped]
        stability = load_shipped(asked.dataset)
        return Comparison(
            dataset=asked.dataset,
            models=_by_family(row for row in rows if not row.baseline),
            baselines=_by_family(row for row in rows if row.baseline),
            missing=tuple(_missing(b) for b in absent if b.name not in shipped),
            nets=self._described(nets),
            stability=None if stability is None else as_stability(stability),
            real=None if real is None else real.test[_spread(len(real.test))],
            captioned=None if real is None else real.captioned,
            left_out=tuple(left_out),
            command=asked.command,
        )

    def _described(self, nets: tuple[FrozenNet, ...]) -> tuple[Net, ...]:
        """The nets, the classifier first: tables with room for one take that."""
        first = classifier_of(nets)
        ordered = sorted(nets, key=lambda net: net is not first)
        return tuple(Net(n.name, n.sha256, self.zoo.card(n.name).summary) for n in ordered)

    def _real(self, nets: tuple[FrozenNet, ...], left_out: list[str]) -> RealImages | None:
        asked = self.asked
        if not asked.pictures:
            return None
        try:
            return RealImages.read(self.zoo, asked.dataset, asked.folder, nets, self.tell)
        except DataError as error:
            left_out.append(f"No real images are shown, nor what needs them: {error}")
            return None

    def _row(
        self,
        contender: Contender,
        baseline: Baseline | None,
        nets: tuple[FrozenNet, ...],
        real: RealImages | None,
    ) -> Row:
        contender = settled(self.zoo, contender)
        self.tell(contender.name)
        report = self._measured(contender, {})
        card = contender.card
        return Row(
            name=contender.name,
            family=card.family if card else report.subject.family,
            report=report,
            summary=card.summary if card else "",
            settings=contender.settings,
            curve=self._curve(contender, report, nets),
            gallery=picture(self.zoo, contender, real) if self.asked.pictures else None,
            baseline=baseline is not None,
            source=baseline.source if baseline else "",
            note=baseline.note if baseline else "",
        )

    def _settings(self, contender: Contender, options: dict[str, int]) -> Settings:
        asked = self.asked
        return Settings(n=asked.n, seed=asked.seed, options={**contender.settings, **options})

    def _measured(self, contender: Contender, options: dict[str, int]) -> Report:
        return evaluate(
            self.zoo,
            contender.reference,
            self.asked.folder,
            self._settings(contender, options),
            dataset=self.asked.dataset,
            on_progress=self.on_progress,
            tell=self.tell,
        )

    def _curve(
        self, contender: Contender, own: Report, nets: tuple[FrozenNet, ...]
    ) -> tuple[tuple[int, Report], ...]:
        """Reports at further numbers of steps, of a model that has steps."""
        if "steps" not in own.subject.options:
            return ()
        asked, found = self.asked, list[tuple[int, Report]]()
        for steps in STEPS:
            options = {"steps": steps}
            settings = self._settings(contender, options)
            report = cached_report(
                self.zoo, contender.reference, asked.dataset, asked.folder, settings, nets
            )
            # Where its quality is known, as of what ships, only its speed is left to measure.
            plain = msgspec.structs.replace(settings, costs=False)
            known = report or cached_report(
                self.zoo, contender.reference, asked.dataset, asked.folder, plain, nets
            )
            if report is None and (asked.curve or known is not None):
                report = self._measured(contender, options)
            if report is not None:
                found.append((steps, report))
        return tuple(found)


def _by_family(rows: Iterable[Row]) -> tuple[Row, ...]:
    there = tuple(rows)
    order = in_order(row.family for row in there)
    return tuple(sorted(there, key=lambda row: (order.index(row.family), row.name)))


def _baseline_row(baseline: Baseline, report: Report) -> Row:
    return Row(
        name=baseline.name,
        family=baseline.family,
        report=msgspec.structs.replace(report, command=baseline.command),
        summary=baseline.title,
        settings=baseline.settings,
        baseline=True,
        source=baseline.source,
        note=baseline.note,
        shipped=False,
    )


def _missing(baseline: Baseline) -> Missing:
    reason = baseline.missing or "its figures do not ship yet"
    return Missing(baseline.title, baseline.family, baseline.source, reason)


def _spread(n: int) -> torch.Tensor:
    """Indices of the test images that are shown, spread over all."""
    return torch.arange(min(n, SAMPLES)) * max(1, n // SAMPLES)
