"""Gathers a comparison: reports, pictures, baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from genzoo_compare.baselines import Baseline, baselines, shipped_reports
from genzoo_compare.choosing import Contender, choose, with_density
from genzoo_compare.comparison import Comparison, Net, Row
from genzoo_compare.families import in_order
from genzoo_compare.picturing import RealImages, picture
from genzoo_core.errors import DataError, GenzooError
from genzoo_core.text import many
from genzoo_core.zoo import Zoo
from genzoo_eval.api import (
    FrozenNet,
    Measured,
    OwnData,
    Progress,
    Report,
    Settings,
    cached_report,
    classifier_of,
    dataset_name,
    evaluate,
    load_nets,
)
from genzoo_stability.api import load_shipped

STEPS = (1, 2, 5)
"""Numbers of sampling steps at which models that have steps are measured besides their own."""


@dataclass(frozen=True)
class Gatherer:
    """Gathers a comparison of all models of a dataset, or of the `models` named.

    With `curve` it measures at further numbers of steps, and takes not only what was measured.
    """

    zoo: Zoo
    dataset: Measured
    folder: Path | None
    models: tuple[str, ...]
    n: int
    seed: int
    curve: bool
    pictures: bool
    command: str
    progress: Progress

    def gather(self) -> Comparison:
        """The comparison; see `choose` for what is refused.

        A model that was not named and cannot be measured is left out, with the reason.

        Raises:
            DataError: There is no report of any model, and the dataset cannot be read.
            GenzooError: A model that was named cannot be measured.
        """
        left_out: list[str] = []
        name = dataset_name(self.dataset)
        own = isinstance(self.dataset, OwnData)
        contenders = choose(self.zoo, self.models, name, anywhere=own)
        progress = self.progress
        nets = load_nets(self.zoo, self.dataset, (), progress.tell, progress.update)
        real = self._real(nets, left_out) if self.pictures else None
        published = {baseline.name: baseline for baseline in baselines(name)}
        rows = []
        no_data: DataError | None = None
        for place, contender in enumerate(contenders, 1):
            progress.tell(f"{contender.name}, {place} of {len(contenders)}")
            try:
                rows.append(self._row(contender, published.get(contender.name), nets, real))
            except GenzooError as error:
                if self.models:
                    raise
                left_out.append(f"{contender.name} is left out: {error}")
                no_data = error if isinstance(error, DataError) else no_data
        if not rows and no_data is not None:
            raise no_data
        for sentence in left_out:
            self.progress.tell(sentence)
        there = {row.name for row in rows}
        absent = [] if self.models else [b for b in published.values() if b.name not in there]
        shipped = shipped_reports(name)
        rows += [_baseline_row(b, shipped[b.name]) for b in absent if b.name in shipped]
        order = in_order(row.family for row in rows)
        rows.sort(key=lambda row: (row.baseline is not None, order.index(row.family), row.name))
        first = classifier_of(nets)  # tables with room for one net take the classifier
        return Comparison(
            dataset=name,
            rows=tuple(rows),
            missing=tuple(baseline for baseline in absent if baseline.name not in shipped),
            nets=tuple(
                Net(net.name, net.sha256, "" if own else self.zoo.card(net.name).summary)
                for net in sorted(nets, key=lambda net: net is not first)
            ),
            stability=load_shipped(name),
            real=None if real is None else real.spread,
            captioned=None if real is None else real.captioned,
            left_out=tuple(left_out),
            command=self.command,
        )

    def _real(self, nets: tuple[FrozenNet, ...], left_out: list[str]) -> RealImages | None:
        try:
            return RealImages.read(self.zoo, self.dataset, self.folder, nets, self.progress.tell)
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
        contender = with_density(self.zoo, contender)
        report = self._measure(contender, self._settings(contender))
        card = contender.card
        return Row(
            name=contender.name,
            family=card.family if card else report.subject.family,
            report=report,
            summary=card.summary if card else "",
            settings=contender.settings,
            curve=self._curve(contender, nets) if "steps" in report.subject.options else (),
            gallery=picture(self.zoo, contender, real) if self.pictures else None,
            baseline=baseline,
        )

    def _settings(self, contender: Contender, **options: int) -> Settings:
        return Settings(n=self.n, seed=self.seed, options={**contender.settings, **options})

    def _measure(self, contender: Contender, settings: Settings) -> Report:
        return evaluate(
            self.zoo,
            contender.reference,
            self.folder,
            settings,
            dataset=self.dataset,
            on_progress=self.progress.update,
            tell=self.progress.tell,
        )

    def _curve(
        self, contender: Contender, nets: tuple[FrozenNet, ...]
    ) -> tuple[tuple[int, Report], ...]:
        """Reports at further numbers of steps, of a model that has steps."""

        def existing(settings: Settings) -> Report | None:
            return cached_report(
                self.zoo, contender.reference, self.dataset, self.folder, settings, nets
            )

        found = []
        for steps in STEPS:
            settings = self._settings(contender, steps=steps)
            report = existing(settings)
            # Of what ships there is a report without costs: only speed is left to measure.
            if report is None and (
                self.curve or existing(msgspec.structs.replace(settings, costs=False)) is not None
            ):
                self.progress.tell(f"{contender.name} in {many(steps, 'step')}")
                report = self._measure(contender, settings)
            if report is not None:
                found.append((steps, report))
        return tuple(found)


def _baseline_row(baseline: Baseline, report: Report) -> Row:
    return Row(
        name=baseline.name,
        family=baseline.family,
        report=msgspec.structs.replace(report, command=baseline.command),
        summary=baseline.title,
        settings=baseline.settings,
        baseline=baseline,
        shipped=False,
    )
