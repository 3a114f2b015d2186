"""Reports that need no measuring."""

from __future__ import annotations

from pathlib import Path

from genzoo_core.zoo import Zoo
from genzoo_eval.caching import Asked, ReportCache, shipped
from genzoo_eval.datasets import fingerprint
from genzoo_eval.feature_nets import FrozenNet
from genzoo_eval.report import Report, Subject
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages


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
    cache = ReportCache(zoo.cache("eval"), fingerprint(dataset, data))
    return cache.get(asked) or shipped().get(asked.key())


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
