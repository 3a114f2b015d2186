"""Reports that were made before: in the user's cache, or shipped with genzoo."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from genzoo_core import Config
from genzoo_core.atomic import write_atomically
from genzoo_eval.kept import keep_value, kept_value
from genzoo_eval.report import Report, Subject
from genzoo_eval.settings import Settings

METHOD = 2
"""Raised when an evaluation begins to measure differently: older reports are then not found."""

RESULTS = Path(__file__).parent / "results"
"""Reports that ship with genzoo. Those of its models say nothing of speed and memory, which are
measured where they are asked for."""


class Asked(msgspec.Struct, frozen=True):
    """What a report depends on.

    Attributes:
        sha256: Digest of the weights, or of the pictures.
        parts: Those of its parts, by role.
        options: The options, resolved, that are not None: one which a later version of the
            family adds must not hide the reports from before it, whose models had no say in it.
        conditions: Values of conditioners other than the first.
        n: Number of generated images.
        seed: Seed of the first.
        dataset: What they are compared with.
        nets: Digests of the feature nets.
        costs: Whether speed and memory are measured.
        method: `METHOD`.
        versions: Of the code that makes the pictures. No part of the key: what ships is found by
            other versions too.
    """

    sha256: str
    parts: dict[str, str]
    options: dict[str, object]
    conditions: dict[str, str]
    n: int
    seed: int
    dataset: str
    nets: tuple[str, ...]
    costs: bool
    method: int = METHOD
    versions: dict[str, str] = {}

    @classmethod
    def of(
        cls,
        subject: Subject,
        dataset: str,
        n: int,
        seed: int,
        nets: tuple[str, ...],
        costs: bool,
    ) -> Asked:
        """What the report of a subject depends on."""
        return cls(
            sha256=subject.sha256,
            parts=subject.parts,
            options={name: value for name, value in subject.options.items() if value is not None},
            conditions=subject.conditions,
            n=n,
            seed=seed,
            dataset=dataset,
            nets=nets,
            costs=costs,
            versions=subject.versions,
        )

    def key(self) -> str:
        """A digest of all of it but the versions."""
        fields = msgspec.to_builtins(self)
        del fields["versions"]
        return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()[:32]


def key_of(report: Report, nets: tuple[str, ...]) -> str:
    """The key that a report is found by.

    Args:
        report: The report of a model.
        nets: Digests of the feature nets that it was made with, in the order of their names.
    """
    costs = bool(report.machine)
    return Asked.of(report.subject, report.dataset, report.n, report.seed, nets, costs).key()


class Shipped(Config):
    """A file of reports that ships: each by the key of what was asked."""

    reports: dict[str, Report]


@lru_cache
def shipped(folder: Path = RESULTS) -> dict[str, Report]:
    """The reports that ship, by key."""
    found: dict[str, Report] = {}
    for file in sorted(folder.glob("reports-*.json")):
        found |= msgspec.json.decode(file.read_bytes(), type=Shipped).reports
    return found


def usual_n(dataset: str) -> int:
    """How many images a model is measured with unless told otherwise.

    As many as the figures that ship have, which are then found; 10,000 where none ship. Curves
    over guidance or steps may have fewer.
    """
    made = [report.n for report in shipped().values() if report.dataset == dataset and report.n]
    return max(made, default=Settings().n)


def ship(file: Path, reports: Iterable[tuple[str, Report]]) -> None:
    """Add reports to a file of those that ship.

    Args:
        file: `results/reports-*.json`.
        reports: Each with its key. They replace those of the same subject and settings, and those
            of other weights that bore its name.
    """
    kept = msgspec.json.decode(file.read_bytes(), type=Shipped).reports if file.exists() else {}
    for key, report in reports:
        kept = {k: r for k, r in kept.items() if not _replaces(report, r)} | {key: report}
    file.parent.mkdir(exist_ok=True)
    ordered = dict(sorted(kept.items(), key=lambda item: (item[1].subject.name, item[0])))
    text = msgspec.json.format(msgspec.json.encode(Shipped(ordered)), indent=1)
    write_atomically(file, text + b"\n")


def _replaces(new: Report, old: Report) -> bool:
    if new.subject.name != old.subject.name:
        return False
    same = (new.subject.options, new.n) == (old.subject.options, old.n)
    return same or new.subject.sha256 != old.subject.sha256


class ReportCache:
    """Reports in a folder of the user's cache.

    Args:
        folder: Where they are, or None for no cache.
        copy: What tells the user's copy of the dataset from another one.
    """

    def __init__(self, folder: Path | None, copy: str) -> None:
        self._folder, self._copy = folder, copy

    def get(self, asked: Asked) -> Report | None:
        """The report of what was asked, if there is one."""
        return kept_value(self._folder, self._name(asked), Report)

    def put(self, asked: Asked, report: Report) -> None:
        """Keep a report; silent where that cannot be done."""
        keep_value(self._folder, self._name(asked), report)

    def _name(self, asked: Asked) -> str:
        depends = repr((asked.key(), sorted(asked.versions.items()), self._copy))
        return f"{hashlib.sha256(depends.encode()).hexdigest()[:32]}.report"
