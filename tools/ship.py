"""Put a trained model into its plugin: weights, card, measured figures.

    python tools/ship.py runs/NAME …                 # weights and card of these trainings
    python tools/ship.py --figures figures.json …    # figures of `benchmarks/quality.py --json`
                                                     # or of `benchmarks/features.py --json`

Rewrites the `[[models]]` entries of `plugins/*/genzoo.toml`; what stands before them is kept.
New weights lose the figures of the old ones.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

PLUGINS = Path(__file__).parent.parent / "plugins"
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
    before = manifest.read_text().partition("[[models]]")[0].rstrip()
    blocks = []
    for card in sorted(cards, key=lambda card: card["name"]):
        blocks.append(as_toml({k: v for k, v in card.items() if k != "metrics"}, "[[models]]"))
        blocks += [as_toml(metric, "[[models.metrics]]") for metric in card.get("metrics", ())]
    manifest.write_text("\n".join([before + "\n", *blocks]))


def cards_in(manifest: Path) -> list[Card]:
    return tomllib.loads(manifest.read_text()).get("models", [])


def ship(run: Path) -> None:
    """Copy a training's weights and card into the plugin that has its recipe."""
    (card,) = tomllib.loads((run / "card.toml").read_text())["models"]
    manifest = manifest_of(card["name"])
    weights = manifest.parent / card["weights"]
    weights.parent.mkdir(exist_ok=True)
    shutil.copyfile(run / weights.name, weights)
    others = [other for other in cards_in(manifest) if other["name"] != card["name"]]
    write(manifest, [*others, card])
    print(f"{card['name']}: {weights.stat().st_size:,} bytes in {manifest.parent.name}")


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


def add_figures(report: Path) -> None:
    """Put the figures of a report into the cards of its models."""
    figures = json.loads(report.read_text())
    for name, metrics in figures.get("metrics", {}).items():
        set_metrics(name, metrics)
    for reference, found in figures.get("models", {}).items():
        name = reference.partition(":")[0]
        dataset = card_of(name, cards_in(manifest_of(name)))["dataset"]
        command = f"python benchmarks/quality.py {dataset} {reference} --data DIR"
        shared = {"n": figures["n"], "command": command}
        metrics = [
            {
                "name": "Fréchet distance",
                "value": round(found["fd"], 1),
                "floor": round(figures["floor"], 2),
                "note": "features of the benchmark's own classifier",
                **shared,
            }
        ]
        if "accuracy" in found:
            metrics.append(
                {
                    "name": "accuracy on asked labels",
                    "value": round(100 * found["accuracy"], 1),
                    "unit": "%",
                    "note": "the same classifier, as many pictures of each class",
                    **shared,
                }
            )
        set_metrics(name, metrics)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--figures", nargs="*", type=Path, default=[])
    arguments = parser.parse_args()
    for run in arguments.runs:
        ship(run)
    for report in arguments.figures:
        add_figures(report)


if __name__ == "__main__":
    main()
