"""What a listing reads, as bytes: made from the manifests once, then kept in the user's cache.

Four parts, a line each but the last: the stamp (what it was made from), the plugins with their
components and commands, one short row per model, and the models' cards, which are read one by
one when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genzoo.names import shared
from genzoo.records import CommandRow, ComponentRow, ModelRow, PluginRecord

if TYPE_CHECKING:
    from genzoo.discovery import Found


class Index:
    """The plugins, models, components and commands that there are.

    Args:
        body: What `encode` gave.

    Raises:
        ValueError: `body` is not of that form.
    """

    def __init__(self, body: bytes) -> None:
        head, rows, self._cards = body.split(b"\n", 2)
        found = json.loads(head)
        self.plugins = tuple(_plugin(fields) for fields in found["plugins"])
        self.commands = tuple(CommandRow(*fields) for fields in found["commands"])
        self.components = tuple(ComponentRow(*fields) for fields in found["components"])
        self.lost: dict[str, int] = found["lost"]
        self._rows = rows
        self._models: tuple[ModelRow, ...] | None = None

    @property
    def models(self) -> tuple[ModelRow, ...]:
        """A row for each model of a sound plugin, in alphabetical order."""
        if self._models is None:
            self._models = tuple(ModelRow(*fields) for fields in json.loads(self._rows))
        return self._models

    def card(self, row: ModelRow) -> bytes:
        """The card of a model, as JSON."""
        return self._cards[row.start : row.end]


def encode(found: Sequence[Found]) -> bytes:
    """The index of the plugins that were found."""
    import msgspec

    cards: list[bytes] = []
    rows: list[tuple[Any, ...]] = []
    position = 0
    names = [card.name for f in found if f.manifest for card in f.manifest.models]
    several = shared(names)
    for plugin, entry in enumerate(found):
        for card in entry.manifest.models if entry.manifest else ():
            text = msgspec.json.encode(card)
            owner = entry.record.distribution
            shown = f"{owner}/{card.name}" if card.name in several else card.name
            row = ModelRow(
                name=card.name,
                distribution=owner,
                plugin=plugin,
                shown=shown,
                family=card.family,
                kind=card.kind,
                dataset=card.dataset,
                shape=card.shape,
                conditioners=card.conditioners,
                size=card.size,
                parameters=card.parameters,
                summary=card.summary,
                aliases=card.aliases,
                start=position,
                end=position + len(text),
            )
            rows.append(row)
            cards.append(text)
            position += len(text)
    rows.sort(key=lambda row: (row[0], row[1]))
    return b"\n".join(
        (json.dumps(_head(found)).encode(), json.dumps(rows).encode(), b"".join(cards))
    )


def _head(found: Sequence[Found]) -> dict[str, Any]:
    from dataclasses import asdict

    manifests = [(i, f.record.distribution, f.manifest) for i, f in enumerate(found) if f.manifest]
    return {
        "plugins": [asdict(f.record) for f in found],
        "components": [
            ComponentRow(c.name, owner, i, c.kind, c.target, c.options, c.summary)
            for i, owner, manifest in manifests
            for c in manifest.components
        ],
        "commands": [
            CommandRow(c.name, owner, i, c.help, c.target, c.extra)
            for i, owner, manifest in manifests
            for c in manifest.commands
        ],
        "lost": {name: i for i, f in enumerate(found) for name in f.lost if f.manifest is None},
    }


def _plugin(fields: dict[str, Any]) -> PluginRecord:
    return PluginRecord(**{**fields, "hooks": tuple(fields["hooks"])})
