"""Put measured figures into the cards of genzoo's own models; `genzoo ship` puts the weights there.

    python tools/figures.py report.json …            # of `genzoo eval MODEL --no-costs --json`
    python tools/figures.py --curves reports.json …  # at other steps or guidance, not for cards
    python tools/figures.py --baselines report.json … # of a baseline's weights, which do not ship
    python tools/figures.py --nets figures.json …    # of `benchmarks/features.py --json`

Writes `plugins/*/figures.json`, and the reports in `plugins/genzoo_eval/results`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec

import genzoo
from genzoo_core.atomic import write_atomically
from genzoo_eval.datasets import feature_cards
from genzoo_eval.keys import KEYS
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_store import ReportKey, Shipped
from genzoo_eval.settings import Settings

PLUGINS = Path(__file__).parent.parent / "plugins"
IN_CARDS = (
    *("fd", "coverage", "accuracy", "class_tv", "reconstruction_mse"),
    *("r1_seen", "r10_seen", "r10_rarer", "r1_held_out", "r10_held_out"),
    *("composed", "nearer_held_out", "style"),
)
"""Figures of a report that a card holds."""
BY_NET = ("composed", "nearer_held_out")
"""Those of which a card has what the nets say, and not what pixels do."""


def set_metrics(name: str, metrics: list[dict[str, Any]]) -> None:
    """Make these the figures of a model, in the plugin that has its recipe."""
    (recipe,) = PLUGINS.glob(f"*/recipes/{name}.toml")
    file = recipe.parent.parent / "figures.json"
    figures = json.loads(file.read_bytes()) if file.exists() else {}
    figures = dict(sorted({**figures, name: metrics}.items()))
    write_atomically(file, (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode())
    print(f"{name}: {len(metrics)} figures")


def add_nets(file: Path) -> None:
    """Put the figures that `benchmarks/features.py --json` found into the cards of the nets."""
    for name, metrics in json.loads(file.read_bytes())["metrics"].items():
        set_metrics(name.rpartition("/")[2], metrics)


def add_report(file: Path) -> None:
    """Put a report of `genzoo eval --json` into the model's card, and among those that ship."""
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    name = report.subject.name.rpartition("/")[2]
    metrics = [
        metric(figure, report)
        for figure in report.figures
        if figure.key in IN_CARDS and (figure.net or figure.key not in BY_NET)
    ]
    set_metrics(name, metrics)
    ship(report, "genzoo_eval", "reports")


def add_curve(file: Path) -> None:
    """Put a report, or a list of reports, of a model at other settings than its own among those
    that ship."""
    found = msgspec.json.decode(file.read_bytes(), type=list[Report] | Report)
    for report in [found] if isinstance(found, Report) else found:
        ship(report, "genzoo_eval", "reports")


def add_baseline(file: Path) -> None:
    """Put a report of a baseline's weights, called as its recipe is, among those that ship."""
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    name = Path(report.subject.name).stem
    subject = msgspec.structs.replace(report.subject, name=name)
    command = report.command.replace(report.subject.name, name)
    renamed = msgspec.structs.replace(report, subject=subject, command=command)
    ship(renamed, "genzoo_compare", "baselines")


def ship(report: Report, plugin: str, kind: str) -> None:
    """Add a report to a plugin's `results/KIND-DATASET.json`, in place of those that it makes
    useless."""
    assert not report.machine, "measure with --no-costs: speeds are of one machine"
    settings = Settings(report.n, report.seed, costs=False)
    nets = feature_cards(genzoo.open_zoo(), report.dataset)
    key = ReportKey.of(report.subject, report.dataset, settings, nets).digest
    file = PLUGINS / plugin / "results" / f"{kind}-{report.dataset}.json"
    there = msgspec.json.decode(file.read_bytes(), type=Shipped).reports if file.exists() else {}
    found = {k: r for k, r in there.items() if not replaces(report, r)} | {key: report}
    ordered = dict(sorted(found.items(), key=lambda item: (item[1].subject.name, item[0])))
    text = msgspec.json.format(msgspec.json.encode(Shipped(ordered)), indent=1)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, text + b"\n")


def replaces(new: Report, old: Report) -> bool:
    """Whether a report makes another one useless: one of the same subject and settings, or of
    other weights that bore its name."""
    if new.subject.name != old.subject.name:
        return False
    same = (new.subject.options, new.n) == (old.subject.options, old.n)
    return same or new.subject.sha256 != old.subject.sha256


def metric(figure: Figure, report: Report) -> dict[str, Any]:
    """A figure as a card holds it."""
    key = KEYS[figure.key]
    scale, digits = (100, 1) if key.unit == "%" else (1, 4)
    found = {"name": key.title, "value": round(scale * figure.value, digits), "unit": key.unit}
    if figure.floor is not None:
        found["floor"] = round(scale * figure.floor, digits)
    if figure.net:
        found["note"] = f"in the features of {figure.net}"
    return found | {"n": figure.n, "command": report.command}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reports", nargs="*", type=Path)
    parser.add_argument("--curves", nargs="*", type=Path, default=[])
    parser.add_argument("--baselines", nargs="*", type=Path, default=[])
    parser.add_argument("--nets", nargs="*", type=Path, default=[])
    arguments = parser.parse_args()
    for report in arguments.reports:
        add_report(report)
    for report in arguments.curves:
        add_curve(report)
    for report in arguments.baselines:
        add_baseline(report)
    for file in arguments.nets:
        add_nets(file)


if __name__ == "__main__":
    main()
