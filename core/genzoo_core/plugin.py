"""A plugin, and a model in the list: records that need no code of the plugin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from genzoo_core.cards import ModelCard
from genzoo_core.config import Config
from genzoo_core.manifest import Manifest
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from pathlib import Path

DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
"""A name of a distribution (PEP 508), in whole."""


class Plugin(Config, omit_defaults=True):
    """A plugin that was found, sound or not.

    Attributes:
        name: Name of its entry point.
        distribution: Distribution that brought it, normalised ("acme-zoo").
        version: Version of that.
        module: Import package that the entry point names.
        location: Folder of the package; "" where it was not found or not looked for.
        manifest: None for a plugin that is broken or disabled.
        error: Why it cannot be used, in one line; "" for a sound one.
        disabled: Whether the user left it out; nothing of it was read then.
        lost: Names of the models and components that a broken one would have brought, as far as
            its manifest can be read.
    """

    name: str
    distribution: str
    version: str
    module: str = ""
    location: str = ""
    manifest: Manifest | None = None
    error: str = ""
    disabled: bool = False
    lost: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["ok", "broken", "disabled"]:
        """Whether it can be used, and why not."""
        return "disabled" if self.disabled else "broken" if self.error else "ok"

    @property
    def builtin(self) -> bool:
        """Whether the genzoo distribution itself brought it."""
        return self.distribution == "genzoo"

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the hooks that it implements; none of one that is not sound."""
        return self.manifest.hooks if self.manifest else ()

    @property
    def folder(self) -> Path | None:
        """Folder of the package, which the paths of its cards are relative to."""
        from pathlib import Path

        return Path(self.location) if self.location else None

    @property
    def removal(self) -> str | None:
        """The command that removes it; None where it is genzoo's own, or has a malformed name."""
        removable = not self.builtin and DISTRIBUTION.fullmatch(self.distribution)
        return f"genzoo uninstall {self.distribution}" if removable else None

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


class Model(Config):
    """A model: its card, and who ships it.

    Attributes:
        card: Its card. In the user's own list, `weights` is an absolute path or a reference.
        plugin: The plugin that ships it; None for one of that list, and for a model file.
        dynamic: Whether a `genzoo_models` hook gave the card, whose `weights` may then be an
            absolute path.
        file: The model file, where it is none of a plugin's.
        variant: Which of several files of weights is read of a folder.
    """

    card: ModelCard
    plugin: Plugin | None = None
    dynamic: bool = False
    file: WeightsFile | None = None
    variant: str = ""

    @property
    def added(self) -> bool:
        """Whether it is one of the user's own list, which `genzoo add` put there."""
        return self.plugin is None and self.file is None

    @property
    def reference(self) -> str:
        """What opens it elsewhere and later: its name, or the reference of an added one."""
        return self.card.weights if self.added else self.name

    @property
    def distribution(self) -> str:
        """Distribution that owns it; "" where no plugin ships it."""
        return self.plugin.distribution if self.plugin else ""

    @property
    def bare(self) -> str:
        """The name without its distribution."""
        return self.card.name

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other names."""
        return self.card.aliases

    @property
    def name(self) -> str:
        """`distribution/name`; of an added one its name; of a model file its path or reference."""
        if self.plugin is not None:
            return f"{self.plugin.distribution}/{self.card.name}"
        return self.file.name if self.file else self.card.name


class Verification(Config):
    """The result of importing a plugin in a process of its own.

    Attributes:
        problems: What is wrong, in one line each.
        remarks: What its author should mend although it works, in one line each.
        seconds: How long its imports took, those of what it imports itself included.
        importable: False where its imports end the process, or take too long: no other process
            should try them.
    """

    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    importable: bool = True
