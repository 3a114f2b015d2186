"""What the catalogue holds, as plain data.

Nothing here needs msgspec or pathlib until it is asked for: a listing reads these rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from genzoo_core.cards import ModelCard

Status = Literal["ok", "broken", "disabled"]


@dataclass(frozen=True)
class PluginRecord:
    """A plugin that was found, sound or not.

    Attributes:
        name: Name of its entry point.
        module: Import package that the entry point names.
        distribution: Distribution that brought it, normalised ("acme-zoo").
        version: Version of that distribution.
        location: Folder of the package, or None where it was not found or not looked for.
        status: "disabled" where the user asked for that; nothing of it was read then.
        error: What is wrong with a broken one, in one line; "" otherwise.
        summary: One line from its manifest.
        hooks: Hooks that its manifest lists.
    """

    name: str
    module: str
    distribution: str
    version: str
    location: str | None = None
    status: Status = "ok"
    error: str = ""
    summary: str = ""
    hooks: tuple[str, ...] = ()

    @property
    def builtin(self) -> bool:
        """Whether the genzoo distribution itself brought it."""
        return self.distribution == "genzoo"

    @property
    def folder(self) -> Path | None:
        """Folder of the package; what a card's paths are relative to."""
        from pathlib import Path

        return None if self.location is None else Path(self.location)

    @property
    def removal(self) -> str:
        """The command that removes it."""
        return f"genzoo uninstall {self.distribution}"

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


class Span(NamedTuple):
    """Where a piece of the index lies behind its head, and the CRC-32 of it."""

    start: int
    end: int
    crc: int


class ModelRow(NamedTuple):
    """What a model is found and chosen by.

    Attributes:
        name: Bare name.
        distribution: Distribution that owns it.
        plugin: Position of its plugin in the catalogue.
        shown: The bare name where it is unique, else `distribution/name`.
        aliases: Other names.
        family: Its family.
        kind: Kind of component that the weights hold.
        conditioners: Names of its conditioners.
        position: Its place in the alphabetical order of all models.
        start: Where its card begins, as in a `Span`.
        end: Where it ends.
        crc: Its checksum.
        dynamic: Whether a `genzoo_models` hook gave it, not a manifest.
    """

    name: str
    distribution: str
    plugin: int
    shown: str
    aliases: tuple[str, ...]
    family: str
    kind: str
    conditioners: tuple[str, ...]
    position: int
    start: int
    end: int
    crc: int
    dynamic: bool

    @property
    def full_name(self) -> str:
        """`distribution/name`."""
        return f"{self.distribution}/{self.name}"

    @property
    def card(self) -> Span:
        """Where its card lies."""
        return Span(self.start, self.end, self.crc)


class ModelFacts(NamedTuple):
    """What a listing shows of a model beside its row; see `genzoo_core.cards.ModelCard`."""

    dataset: str
    shape: tuple[int, int, int] | None
    size: int
    parameters: int
    summary: str


class ComponentRow(NamedTuple):
    """A component that a plugin offers; see `genzoo_core.manifest.ComponentEntry`."""

    name: str
    distribution: str
    plugin: int
    kind: str
    target: str
    options: str | None
    summary: str
    aliases: tuple[str, ...] = ()


class CommandRow(NamedTuple):
    """A command that a plugin adds; see `genzoo_core.manifest.CommandEntry`."""

    name: str
    distribution: str
    plugin: int
    help: str
    target: str
    extra: str
    argument: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelEntry:
    """A model with its owner.

    Attributes:
        distribution: Distribution that owns it.
        card: All that is known of it.
        plugin: The plugin that ships it.
        dynamic: Whether a `genzoo_models` hook gave the card. Its `weights` may be an absolute
            path then, and it has no files in the plugin's package.
    """

    distribution: str
    card: ModelCard
    plugin: PluginRecord
    dynamic: bool = False

    @property
    def name(self) -> str:
        """`distribution/name`."""
        return f"{self.distribution}/{self.card.name}"
