"""The models that are served, opened when they are first wanted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

from genzoo_core import Model, ModelCard, Zoo
from genzoo_serve.worker import Settings, Turns, Worker

SERVED = ("model", "codec")
"""Kinds of components that make or encode pictures."""


class Models:
    """The models by the ids that clients use.

    Args:
        zoo: Has them.
        references: Those to serve, as `genzoo run` takes them; all of the list where empty.
        settings: How workers work.
        keep: Bytes of models that stay open; the least recently used is closed first.

    Raises:
        UsageError: A reference names no model.
    """

    def __init__(self, zoo: Zoo, references: Sequence[str], settings: Settings, keep: int) -> None:
        self._zoo, self._settings, self._keep = zoo, settings, keep
        self.cards = _named(zoo, references) if references else _listed(zoo.models())
        self._workers: dict[str, Worker] = {}
        self._turns, self._lock = Turns(), threading.Lock()
        self.began = int(time.time())

    def worker(self, name: str) -> Worker:
        """The worker of a model of `cards`; a new one begins to open it."""
        with self._lock:
            worker = self._workers.get(name)
            if worker is None:
                worker = Worker(self._zoo, name, self._settings, self._turns, self._make_room)
                self._workers[name] = worker
            return worker

    def _make_room(self, opened: Worker) -> None:
        with self._lock:
            by_use = sorted(self._workers.values(), key=lambda worker: worker.used)
            size = sum(worker.size for worker in by_use)
            for worker in by_use:
                if size <= self._keep:
                    break
                if worker is not opened and worker.idle:
                    worker.close()
                    size -= worker.size
                    del self._workers[worker.name]

    def close(self, seconds: float) -> None:
        """Let all workers end."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.close()
        until = time.monotonic() + seconds
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))


def _named(zoo: Zoo, references: Sequence[str]) -> dict[str, ModelCard]:
    return {reference: zoo.card(reference) for reference in references}


def _listed(models: Sequence[Model]) -> dict[str, ModelCard]:
    counts = Counter(model.bare for model in models)
    return {
        model.bare if counts[model.bare] == 1 else model.name: model.card
        for model in models
        if model.card.kind in SERVED
    }
