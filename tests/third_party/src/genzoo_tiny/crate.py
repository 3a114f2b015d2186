"""Crates: folders that another program would write a flow into, with names of its own."""

from __future__ import annotations

from typing import Any

from genzoo_core import (
    ComponentSpec,
    ConfigError,
    Described,
    Folder,
    Format,
    ModelCard,
    ModelSpec,
)

NAMES = {
    "classes.table": "conditioning.conditioners.label.embedding",
    "classes.project": "conditioning.vectors.label",
    "blocks.": "couplings.",
    ".input.": ".net.read.",
    ".style.": ".net.modulate.",
    ".output.": ".net.write.",
}
"""A crate's words, and those of `TinyFlow`."""


class Crate(Format):
    """`config.json`, and weights in shards."""

    def card(self, folder: Folder) -> ModelCard:
        config, shape = self.config(folder), (1, 8, 8)
        names = {"family": "normalizing-flow", "summary": "A flow from a crate."}
        names["dataset"] = config["data"]
        label = {"conditioners": ("label",), "classes": tuple(map(str, range(config["classes"])))}
        return ModelCard(config["name"], **names, shape=shape, **label)

    def load(self, folder: Folder) -> Described:
        config = self.config(folder)
        flow = {"shape": [1, 8, 8], "couplings": config["depth"], "hidden": config["width"]}
        label = ComponentSpec("genzoo-tiny/labels", {"classes": config["classes"], "dim": 6})
        spec = ModelSpec("genzoo-tiny/tiny-flow", flow, conditioners={"label": label})
        weights = folder.weights()
        return Described(spec, {self.renamed(name): weights[name] for name in weights})

    def config(self, folder: Folder) -> dict[str, Any]:
        config: dict[str, Any] = folder.json("config.json")
        if config.get("architecture") != "flow":
            raise ConfigError(f"{folder.name} is no flow, but {config.get('architecture')!r}")
        return config

    def renamed(self, name: str) -> str:
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        return name
