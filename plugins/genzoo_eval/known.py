"""Reports that need no measuring."""

from __future__ import annotations

from pathlib import Path

from genzoo_core.errors import DataError
from genzoo_core.zoo import Zoo
from genzoo_eval.caching import Asked, ReportCache, shipped
from genzoo_eval.datasets import data_recipe, fingerprint
from genzoo_eval.feature_nets import FrozenNet
from genzoo_eval.kept import keep_value, kept_value
from genzoo_eval.reference import Tell, digest_of
from genzoo_eval.report import Report, Subject
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages


class Known:
    """Reports that were made before: in the user's cache, or shipped with genzoo.

    Args:
        zoo: Has the cache, and reads the data.
        dataset: Name of the dataset that is compared with.
        data: Folder that holds it; None for the Hub.
        tell: Told why a report that ships does not count.
    """

    def __init__(self, zoo: Zoo, dataset: str, data: Path | None, tell: Tell) -> None:
        self._zoo, self._dataset, self._data, self._tell = zoo, dataset, data, tell
        self._cache = ReportCache(zoo.cache("eval"), fingerprint(dataset, data))

    def get(self, asked: Asked) -> Report | None:
        """The report of what was asked, if there is one.

        One that ships counts only for the test images that it was measured against; where no
        data is at hand, it is what there is.
        """
        made = self._cache.get(asked)
        if made is not None:
            return made
        report = shipped().get(asked.key())
        if report is None or self._test_digest() in (None, report.reference):
            return report
        self._tell(f"the test images of {self._dataset} are not those of the figures that ship")
        return None

    def put(self, asked: Asked, report: Report) -> None:
        """Keep a report in the user's cache."""
        self._cache.put(asked, report)

    def _test_digest(self) -> str | None:
        """Digest of the test images; None where they are not at hand."""
        if self._data is None:
            return None
        name = f"{fingerprint(self._dataset, self._data)}.test"
        folder = self._zoo.cache("eval")
        if (digest := kept_value(folder, name, str)) is not None:
            return digest
        try:
            test = self._zoo.dataset(data_recipe(self._zoo, self._dataset, "test"), self._data)
        except DataError:
            return None
        digest = digest_of(test.images)
        keep_value(folder, name, digest)
        return digest


def known_report(
    zoo: Zoo,
    model: str,
    dataset: str,
    data: Path | None,
    settings: Settings,
    nets: tuple[FrozenNet, ...],
) -> Report | None:
    """The report that `evaluate` would take instead of measuring; None where it would measure."""
    options, conditions = settings.options, settings.conditions
    images = ModelImages.open(zoo, model, options, conditions, lambda *_: None)
    asked = asked_of(images.subject, dataset, settings, nets)
    return Known(zoo, dataset, data, lambda _: None).get(asked)


def asked_of(
    subject: Subject, dataset: str, settings: Settings, nets: tuple[FrozenNet, ...]
) -> Asked:
    """What a model's report depends on.

    Args:
        subject: The model, with its options resolved.
        dataset: What it is compared with.
        settings: How it is measured.
        nets: In whose features, in the order in which `load_nets` gives them.
    """
    digests = tuple(net.sha256 for net in nets)
    return Asked.of(subject, dataset, settings.n, settings.seed, digests, settings.costs)
