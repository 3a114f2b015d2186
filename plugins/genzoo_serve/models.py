"""The models that are served, opened when they are first wanted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genzoo_core import Model, ModelCard, UsageError, Zoo
from genzoo_serve.metrics import OPEN
from genzoo_serve.turns import Turns
from genzoo_serve.worker import Settings, Worker

SERVED = ("model", "codec")
"""Kinds of components that make or encode pictures."""


def described(card: ModelCard, *further: str) -> dict[str, Any]:
    """What clients learn of a card."""
    fields = ("kind", "family", "summary", "dataset", "shape", "license", *further)
    return {field: getattr(card, field) for field in fields}


class Models:
    """The models to serve by the ids that clients use; all of the list without `references`.

    At most `keep` bytes of models stay open; the least recently used is closed first.

    Raises:
        UsageError: A reference names no model, or two would have one id.
    """

    def __init__(self, zoo: Zoo, references: Sequence[str], settings: Settings, keep: int) -> None:
        self._zoo, self._settings, self._keep = zoo, settings, keep
        self._references = _named(references) if references else _listed(zoo.models())
        self.cards = {name: zoo.card(reference) for name, reference in self._references.items()}
        self._workers: dict[str, Worker] = {}
        self._turns, self._lock = Turns(), threading.Lock()
        self.began = int(time.time())

    def worker(self, name: str) -> Worker:
        """The worker of a model of `cards`; the first time it opens it."""
        with self._lock:
            if name not in self._workers:
                self._workers[name] = Worker(
                    self._zoo,
                    name,
                    self._references[name],
                    self._settings,
                    self._turns,
                    self._make_room,
                )
            return self._workers[name]

    def _make_room(self) -> None:
        """Close models that were used least recently, but never the last that was used."""
        with self._lock:
            by_use = sorted(self._workers.values(), key=lambda worker: worker.used)
            size = sum(worker.size for worker in by_use)
            for worker in by_use[:-1]:
                if size <= self._keep:
                    break
                if worker.close_idle():
                    size -= worker.size
                    del self._workers[worker.name]
            OPEN.set(sum(worker.size > 0 for worker in self._workers.values()))

    def close(self, seconds: float) -> bool:
        """Let all workers end; whether they have within some seconds."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.close()
        until = time.monotonic() + seconds
        return all(worker.join(max(0.0, until - time.monotonic())) for worker in workers)


def _named(references: Sequence[str]) -> dict[str, str]:
    """A reference by its id: where it is a path, clients learn the last part of it alone."""
    named: dict[str, str] = {}
    for reference in references:
        name = Path(reference).resolve().name if Path(reference).exists() else reference
        if name in named:
            raise UsageError(f"{named[name]} and {reference} would both be the model {name!r}")
        named[name] = reference
    return named


def _listed(models: Sequence[Model]) -> dict[str, str]:
    counts = Counter(model.bare for model in models)
    return {
        model.bare if counts[model.bare] == 1 else model.name: model.name
        for model in models
        if model.card.kind in SERVED
    }
