"""Reports that were made before: in the user's cache, or shipped with genzoo. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from genzoo_core import Config
from genzoo_core.errors import DataError
from genzoo_core.zoo import Zoo
from genzoo_eval.cache import load_value, save_value
from genzoo_eval.datasets import Measured, dataset_name, digest_of, fingerprint, read_split
from genzoo_eval.report import Report, Subject
from genzoo_eval.settings import Settings

if TYPE_CHECKING:
    from genzoo_core.cards import ModelCard
    from genzoo_eval.frozen_net import FrozenNet

METHOD = 2
"""Raised when an evaluation begins to measure differently: older reports are then not found."""

RESULTS = Path(__file__).parent / "results"
"""Reports that ship with genzoo. Those of its models say nothing of speed and memory, which
depend on the machine."""


class ReportKey(NamedTuple):
    """What a report depends on.

    Attributes:
        digest: Of weights or pictures, options, and how they are measured.
        versions: Of the code that makes the pictures. Not in the digest: reports that ship are
            found by other versions too.
    """

    digest: str
    versions: dict[str, str]

    @classmethod
    def of(
        cls,
        subject: Subject,
        dataset: Measured,
        settings: Settings,
        nets: Iterable[FrozenNet | ModelCard],
    ) -> ReportKey:
        """What the report of a subject depends on, its options being resolved.

        One that is None is left out: if a later version of the family adds an option, the reports
        from before it are found still.
        """
        fields = {
            "sha256": subject.sha256,
            "parts": subject.parts,
            "options": {name: v for name, v in subject.options.items() if v is not None},
            "conditions": subject.conditions,
            "n": settings.n,
            "seed": settings.seed,
            "dataset": dataset_name(dataset),
            "nets": [net.sha256 for net in nets],
            "costs": settings.costs,
            "method": METHOD,
        }
        encoded = msgspec.json.encode(fields, order="sorted")
        return cls(hashlib.sha256(encoded).hexdigest()[:32], subject.versions)


class Shipped(Config):
    """A file of reports that ship, each by the digest of its `ReportKey`."""

    reports: dict[str, Report]


@lru_cache
def shipped(folder: Path = RESULTS) -> dict[str, Report]:
    """The reports that ship, by the digests of their keys."""
    found: dict[str, Report] = {}
    for file in sorted(folder.glob("reports-*.json")):
        found |= msgspec.json.decode(file.read_bytes(), type=Shipped).reports
    return found


def ships(report: Report) -> bool:
    """Whether the figures of a report, those of speed and memory aside, are of one that ships."""
    return any(
        each.subject.sha256 == report.subject.sha256
        and each.figures == report.figures[: len(each.figures)]
        for each in shipped().values()
    )


def usual_n(dataset: str) -> int:
    """The default number of images: as many as the figures that ship have, so that these are
    found; 10,000 where none ship. Curves over guidance or steps may have fewer."""
    counts = [report.n for report in shipped().values() if report.dataset == dataset and report.n]
    return max(counts, default=Settings().n)


class ReportStore:
    """Reports against one dataset."""

    def __init__(
        self, zoo: Zoo, dataset: Measured, data: Path | None, tell: Callable[[str], None]
    ) -> None:
        self._zoo, self._dataset, self._data, self._tell = zoo, dataset, data, tell
        self._folder, self._copy = zoo.cache("eval"), fingerprint(dataset, data)

    def get(self, key: ReportKey) -> Report | None:
        """The report with this key, if there is one.

        One that ships counts only for the test images that it was measured against, unless these
        are not at hand.
        """
        cached = load_value(self._folder, self._name(key), Report)
        if cached is not None:
            return cached
        report = shipped().get(key.digest)
        if report is None or self._test_digest() in (None, report.reference):
            return report
        name = dataset_name(self._dataset)
        self._tell(f"the test images of {name} are not those of the figures that ship")
        return None

    def put(self, key: ReportKey, report: Report) -> None:
        """Cache a report; silent where that cannot be done."""
        save_value(self._folder, self._name(key), report)

    def _name(self, key: ReportKey) -> str:
        depends = repr((key.digest, sorted(key.versions.items()), self._copy))
        return f"{hashlib.sha256(depends.encode()).hexdigest()[:32]}.report"

    def _test_digest(self) -> str | None:
        """Digest of the test images; None where they are not at hand."""
        if self._data is None:
            return None
        name = f"{self._copy}.test"
        if (digest := load_value(self._folder, name, str)) is not None:
            return digest
        try:
            test = read_split(self._zoo, self._dataset, "test", self._data)
        except DataError:
            return None
        digest = digest_of(test.images)
        save_value(self._folder, name, digest)
        return digest
