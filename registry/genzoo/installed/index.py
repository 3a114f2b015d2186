"""What a listing reads, as bytes: made from the manifests once, then kept in the user's cache.

Four parts, a line each but the last: the stamp (what it was made from), the plugins with their
components and commands, one short row per model, and the models' cards, which are read one by
one when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from genzoo.installed.names import shared
from genzoo.installed.records import CommandRow, ComponentRow, ModelRow, PluginRecord

if TYPE_CHECKING:
    from genzoo.installed.discovery import Found
    from genzoo_core.cards import ModelCard


class Index:
    """The plugins, models, components and commands that there are.

    Args:
        body: What `encode` gave.

    Raises:
        ValueError: `body` is not of that form.
    """

    def __init__(self, body: bytes) -> None:
        self._head, self._rows, self._cards = body.split(b"\n", 2)
        found = json.loads(self._head)
        self.plugins = tuple(_plugin(fields) for fields in found["plugins"])
        self.commands = tuple(CommandRow(*fields) for fields in found["commands"])
        self.components = tuple(ComponentRow(*fields) for fields in found["components"])
        self.lost: dict[str, int] = found["lost"]
        self._models: tuple[ModelRow, ...] | None = None

    @property
    def models(self) -> tuple[ModelRow, ...]:
        """A row for each model of a sound plugin, in alphabetical order."""
        if self._models is None:
            self._models = tuple(ModelRow(*fields) for fields in json.loads(self._rows))
        return self._models

    def card(self, row: ModelRow) -> ModelCard:
        """The card of a model."""
        import msgspec

        from genzoo_core.cards import ModelCard

        return msgspec.json.decode(self._cards[row.start : row.end], type=ModelCard)

    def with_dynamic(self, found: Sequence[tuple[PluginRecord, ModelCard]]) -> Index:
        """This index with further models, which plugins gave at run time."""
        owned = [
            OwnedCard(row.plugin, row.distribution, self.card(row), row.dynamic)
            for row in self.models
        ]
        for plugin, card in found:
            owned.append(OwnedCard(self.plugins.index(plugin), plugin.distribution, card, True))
        return Index(b"\n".join((self._head, *encode_models(owned))))


def encode(found: Sequence[Found]) -> bytes:
    """The index of the plugins that were found."""
    owned = [
        OwnedCard(plugin, entry.record.distribution, card)
        for plugin, entry in enumerate(found)
        for card in (entry.manifest.models if entry.manifest else ())
    ]
    return b"\n".join((json.dumps(_head(found)).encode(), *encode_models(owned)))


class OwnedCard(NamedTuple):
    """A card with the position of its plugin, and that plugin's distribution."""

    plugin: int
    distribution: str
    card: ModelCard
    dynamic: bool = False


def encode_models(owned: Sequence[OwnedCard]) -> tuple[bytes, bytes]:
    """The rows of models, as one line of JSON, and their cards one after the other."""
    import msgspec

    several = shared(owner.card.name for owner in owned)
    rows: list[ModelRow] = []
    cards: list[bytes] = []
    position = 0
    for plugin, distribution, card, dynamic in owned:
        text = msgspec.json.encode(card)
        row = ModelRow(
            name=card.name,
            distribution=distribution,
            plugin=plugin,
            shown=f"{distribution}/{card.name}" if card.name in several else card.name,
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
            dynamic=dynamic,
        )
        rows.append(row)
        cards.append(text)
        position += len(text)
    rows.sort(key=lambda row: (row.name, row.distribution))
    return json.dumps(rows).encode(), b"".join(cards)


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
            CommandRow(c.name, owner, i, c.help, c.target, c.extra, c.argument)
            for i, owner, manifest in manifests
            for c in manifest.commands
        ],
        "lost": {name: i for i, f in enumerate(found) for name in f.lost if f.manifest is None},
    }


def _plugin(fields: dict[str, Any]) -> PluginRecord:
    return PluginRecord(**{**fields, "hooks": tuple(fields["hooks"])})
