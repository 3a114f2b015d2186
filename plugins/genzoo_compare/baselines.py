"""Published work that models are compared with, and where its figures are."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec

from genzoo_core import Config
from genzoo_eval.api import Report, Shipped

INDEX = Path(__file__).parent / "baselines" / "index.toml"
RESULTS = Path(__file__).parent / "results"

TRAIN = (
    "genzoo train plugins/genzoo_compare/baselines/recipes/{name}.toml --data DIR --out runs/{name}"
)
"""What trains a baseline, in a checkout; elsewhere the recipe lies in the installed package."""

MEASURE = "genzoo eval runs/{name}/{name}.safetensors{settings} --data DIR"
"""What measures it then."""


class Baseline(Config):
    """A baseline: an entry of `baselines/index.toml`.

    Attributes:
        recipe: Path of its recipe beside the index, or "".
        settings: Options of its figures that differ from its recipe.
        note: A remark on its figures, or "".
        missing: Why it has no figures where none ship; "" where that needs no reason.
    """

    name: str
    family: str
    title: str
    source: str
    dataset: str
    recipe: str = ""
    settings: dict[str, Any] = {}
    note: str = ""
    missing: str = ""

    @property
    def reason(self) -> str:
        """Why it has no figures, where none ship."""
        return self.missing or "its figures do not ship yet"

    @property
    def command(self) -> str:
        """What measures it again, from its recipe on."""
        options = (f"{name}={value}" for name, value in self.settings.items())
        settings = "".join(f" --set {quote(option)}" for option in options)
        again = MEASURE.format(name=self.name, settings=settings)
        return f"{TRAIN.format(name=self.name)} && {again}"


class _Index(Config):
    baselines: tuple[Baseline, ...]


@cache
def baselines(dataset: str) -> tuple[Baseline, ...]:
    """The baselines of a dataset."""
    found = msgspec.convert(tomllib.loads(INDEX.read_text(encoding="utf-8")), _Index)
    return tuple(baseline for baseline in found.baselines if baseline.dataset == dataset)


def shipped_reports(dataset: str, folder: Path = RESULTS) -> dict[str, Report]:
    """The reports of baselines that ship, by the name of the file or model that was measured."""
    file = folder / f"baselines-{dataset}.json"
    if not file.is_file():
        return {}
    reports = msgspec.json.decode(file.read_bytes(), type=Shipped).reports.values()
    return {r.subject.name.rsplit("/", 1)[-1].removesuffix(".safetensors"): r for r in reports}
