"""Put measured figures into the cards of genzoo's own models; `genzoo ship` puts the weights there.

    python tools/figures.py report.json …            # of `genzoo eval MODEL --no-costs --json`
    python tools/figures.py --curves reports.json …  # at other steps or guidance, not for cards
    python tools/figures.py --baselines report.json … # of a baseline's weights, which do not ship
    python tools/figures.py --nets figures.json …    # of `benchmarks/features.py --json`

Rewrites the `[[models]]` entries of `plugins/*/genzoo.toml`; what stands before them is kept.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from genzoo_core.atomic import write_atomically
from genzoo_core.cards import ModelCard
from genzoo_eval.keys import KEYS
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_store import ReportKey, Shipped
from genzoo_eval.settings import Settings

PLUGINS = Path(__file__).parent.parent / "plugins"
RESULTS = PLUGINS / "genzoo_eval" / "results"
IN_CARDS = (
    *("fd", "coverage", "accuracy", "class_tv", "reconstruction_mse"),
    *("r1_seen", "r10_seen", "r10_rarer", "r1_held_out", "r10_held_out"),
    *("composed", "nearer_held_out", "style"),
)
"""Figures of a report that a card holds."""
BY_NET = ("composed", "nearer_held_out")
"""Those of which a card has what the nets say, and not what pixels do."""

Card = dict[str, Any]


def manifest_of(name: str) -> Path:
    """The manifest of the plugin that has the model's recipe."""
    (recipe,) = PLUGINS.glob(f"*/recipes/{name}.toml")
    return recipe.parent.parent / "genzoo.toml"


def as_toml(fields: Card, header: str) -> str:
    # JSON's strings, numbers and arrays of them are TOML's too.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join([header, *lines, ""])


def write(manifest: Path, cards: list[Card]) -> None:
    """Write the manifest with these cards, in the order of their names."""
    before = manifest.read_text(encoding="utf-8").partition("[[models]]")[0].rstrip()
    blocks = []
    for card in sorted(cards, key=by_name):
        blocks.append(as_toml({k: v for k, v in card.items() if k != "metrics"}, "[[models]]"))
        blocks += [as_toml(metric, "[[models.metrics]]") for metric in card.get("metrics", ())]
    manifest.write_text("\n".join([before + "\n", *blocks]), encoding="utf-8")


def by_name(card: Card) -> str:
    return str(card["name"])


def cards_in(manifest: Path) -> list[Card]:
    return tomllib.loads(manifest.read_text(encoding="utf-8")).get("models", [])


def card_of(name: str, cards: list[Card]) -> Card:
    (card,) = (card for card in cards if card["name"] == name)
    return card


def set_metrics(name: str, metrics: list[dict[str, Any]]) -> None:
    """Make these the figures of a model's card."""
    manifest = manifest_of(name)
    cards = cards_in(manifest)
    card_of(name, cards)["metrics"] = metrics
    write(manifest, cards)
    print(f"{name}: {len(metrics)} figures")


def add_figures(file: Path) -> None:
    """Put the figures that `benchmarks/features.py --json` found into the cards of the nets."""
    for name, metrics in json.loads(file.read_text(encoding="utf-8"))["metrics"].items():
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
    ship(report, "reports")


def add_curve(file: Path) -> None:
    """Put a report, or a list of reports, of a model at other settings than its own among those
    that ship."""
    found = msgspec.json.decode(file.read_bytes(), type=list[Report] | Report)
    for report in [found] if isinstance(found, Report) else found:
        ship(report, "reports")


def add_baseline(file: Path) -> None:
    """Put a report of a baseline's weights, called as its recipe is, among those that ship."""
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    name = Path(report.subject.name).stem
    subject = msgspec.structs.replace(report.subject, name=name)
    command = report.command.replace(report.subject.name, name)
    ship(msgspec.structs.replace(report, subject=subject, command=command), "baselines")


def ship(report: Report, kind: str) -> None:
    assert not report.machine, "measure with --no-costs: speeds are of one machine"
    nets = [
        msgspec.convert(card, ModelCard)
        for card in sorted(cards_in(PLUGINS / "genzoo_eval" / "genzoo.toml"), key=by_name)
        if card["dataset"] == report.dataset
    ]
    settings = Settings(report.n, report.seed, costs=False)
    key = ReportKey.of(report.subject, report.dataset, settings, nets).digest
    file = RESULTS / f"{kind}-{report.dataset}.json"
    there = msgspec.json.decode(file.read_bytes(), type=Shipped).reports if file.exists() else {}
    found = {k: r for k, r in there.items() if not replaces(report, r)} | {key: report}
    ordered = dict(sorted(found.items(), key=lambda item: (item[1].subject.name, item[0])))
    text = msgspec.json.format(msgspec.json.encode(Shipped(ordered)), indent=1)
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        add_figures(file)


if __name__ == "__main__":
    main()
