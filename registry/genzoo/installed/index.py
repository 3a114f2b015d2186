"""What a listing reads, as bytes: made from the manifests once, then kept in the user's cache.

Four parts, so that nobody reads more than the answer needs: the head (plugins, components,
commands, and where the other parts are), a row for each model (what it is found by), a line of
facts for each (what a listing shows beside that), and the cards, which are read one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from genzoo.installed.names import shared
from genzoo.installed.records import (
    CommandRow,
    ComponentRow,
    ModelFacts,
    ModelRow,
    PluginRecord,
    Span,
)

if TYPE_CHECKING:
    from genzoo.installed.discovery import Found
    from genzoo_core.cards import ModelCard

Read = Callable[[Span], bytes]
"""Gives a piece of what follows the head."""


class Index:
    """The plugins, models, components and commands that there are.

    Args:
        head: What `encode` gave first.
        read: Gives a piece of what `encode` gave second.

    Raises:
        ValueError: `head` is not of that form.
    """

    def __init__(self, head: bytes, read: Read) -> None:
        self._head: dict[str, Any] = json.loads(head)
        self._read = read
        self.plugins = tuple(_plugin(fields) for fields in self._head["plugins"])
        self.commands = tuple(CommandRow(*fields) for fields in self._head["commands"])
        self.components = tuple(ComponentRow(*fields) for fields in self._head["components"])
        self.lost: dict[str, int] = self._head["lost"]
        self._lines: dict[str, list[bytes]] = {}
        self._models: tuple[ModelRow, ...] | None = None

    @property
    def models(self) -> tuple[ModelRow, ...]:
        """A row for each model of a sound plugin, in alphabetical order."""
        if self._models is None:
            self._models = _rows(self._part("rows"))
        return self._models

    def models_with(self, text: str) -> tuple[ModelRow, ...]:
        """The rows whose JSON holds `text`: all those meant by it, and perhaps others."""
        wanted = text.encode(errors="replace")
        return _rows(line for line in self._part("rows") if wanted in line)

    def facts(self, rows: Sequence[ModelRow]) -> list[ModelFacts]:
        """What a listing shows of these models."""
        lines = self._part("facts")
        return [ModelFacts(*fields) for fields in _array(lines[row.position] for row in rows)]

    def card(self, row: ModelRow) -> ModelCard:
        """The card of a model."""
        import msgspec

        from genzoo_core.cards import ModelCard

        return msgspec.json.decode(self._read(row.card), type=ModelCard)

    def with_dynamic(self, found: Sequence[tuple[PluginRecord, ModelCard]]) -> Index:
        """This index with further models, which plugins gave at run time."""
        owned = [
            OwnedCard(row.plugin, row.distribution, self.card(row), row.dynamic)
            for row in self.models
        ]
        for plugin, card in found:
            owned.append(OwnedCard(self.plugins.index(plugin), plugin.distribution, card, True))
        return in_memory(*_join(self._head, owned))

    def _part(self, name: str) -> list[bytes]:
        """The lines of a part, one for each model."""
        if name not in self._lines:
            self._lines[name] = self._read(Span(*self._head[name])).splitlines()
        return self._lines[name]


def in_memory(head: bytes, rest: bytes) -> Index:
    """The index that `encode` gave."""
    return Index(head, lambda span: rest[span.start : span.end])


def encode(found: Sequence[Found]) -> tuple[bytes, bytes]:
    """The index of the plugins that were found: its head, and all that is read in pieces."""
    owned = [
        OwnedCard(plugin, entry.record.distribution, card)
        for plugin, entry in enumerate(found)
        for card in (entry.manifest.models if entry.manifest else ())
    ]
    return _join(_head(found), owned)


class OwnedCard(NamedTuple):
    """A card with the position of its plugin, and that plugin's distribution."""

    plugin: int
    distribution: str
    card: ModelCard
    dynamic: bool = False


def _join(head: dict[str, Any], owned: Sequence[OwnedCard]) -> tuple[bytes, bytes]:
    """Put the parts together: cards, rows, facts."""
    import msgspec

    cards = sorted(owned, key=attrgetter("card.name", "distribution"))
    texts = [msgspec.json.encode(owner.card) for owner in cards]
    several = shared(owner.card.name for owner in cards)
    rows: list[bytes] = []
    start = 0
    for position, (owner, text) in enumerate(zip(cards, texts, strict=True)):
        span = Span(start, start + len(text), crc32(text))
        rows.append(msgspec.json.encode(_row(owner, position, span, several)))
        start = span.end
    facts = [msgspec.json.encode(_facts(owner.card)) for owner in cards]
    parts = {"rows": b"\n".join(rows), "facts": b"\n".join(facts)}
    head = dict(head)
    for name, part in parts.items():
        head[name] = Span(start, start + len(part), crc32(part))
        start += len(part)
    return json.dumps(head).encode(), b"".join((*texts, *parts.values()))


def _row(owner: OwnedCard, position: int, span: Span, several: set[str]) -> ModelRow:
    plugin, distribution, card, dynamic = owner
    return ModelRow(
        name=card.name,
        distribution=distribution,
        plugin=plugin,
        shown=f"{distribution}/{card.name}" if card.name in several else card.name,
        aliases=card.aliases,
        family=card.family,
        kind=card.kind,
        conditioners=card.conditioners,
        position=position,
        start=span.start,
        end=span.end,
        crc=span.crc,
        dynamic=dynamic,
    )


def _facts(card: ModelCard) -> ModelFacts:
    return ModelFacts(card.dataset, card.shape, card.size, card.parameters, card.summary)


def _rows(lines: Iterable[bytes]) -> tuple[ModelRow, ...]:
    return tuple(map(ModelRow._make, _array(lines)))


def _array(lines: Iterable[bytes]) -> Any:
    """The values of lines of JSON; at once, which is faster than one by one."""
    return json.loads(b"[%b]" % b",".join(lines))


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
