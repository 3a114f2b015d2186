"""The plugin manifest, `genzoo.toml`: all that can be known of a plugin without running it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.config import Config

API_VERSION = 2
"""Version of the plugin interface. A manifest with another one is refused."""

Kind = Literal["model", "encoder", "codec", "noiser", "sampler", "conditioner"]

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Target = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


Extra = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._,-]*$", max_length=100)]


class ComponentEntry(Config, omit_defaults=True):
    """A component that the plugin offers.

    Attributes:
        kind: What it is.
        name: Its name; `distribution/name` in model files.
        target: "module:Class" that makes it.
        options: "module:Options" in a module that imports no torch, for `genzoo info`.
        summary: One line.
    """

    kind: Kind
    name: Name
    target: Target
    options: Target | None = None
    summary: str = ""


class CommandEntry(Config, omit_defaults=True):
    """A command that the plugin adds to `genzoo`.

    Attributes:
        name: The word after `genzoo`; the built-in ones are reserved.
        help: One line, shown by `genzoo --help` without importing the plugin.
        target: "module:command", a `click.Command` that gets a `genzoo_core.Zoo` as `ctx.obj`.
        extra: The extra of the plugin's distribution that the command needs, or "".
        argument: What its first argument names, where that is a model: a shell completes it
            then without importing the plugin.
    """

    name: Name
    help: str
    target: Target
    extra: Extra = ""
    argument: Literal["model"] | None = None


class Manifest(Config):
    """The content of `genzoo.toml`.

    Attributes:
        api: The `API_VERSION` that the plugin was written for.
        summary: One line about the plugin.
        hooks: Names of the hooks that the entry point's module implements.
        components: What it offers to build.
        commands: What it adds to the command line.
        models: Cards of the models that it ships.
    """

    api: int
    summary: str = ""
    hooks: tuple[str, ...] = ()
    components: tuple[ComponentEntry, ...] = ()
    commands: tuple[CommandEntry, ...] = ()
    models: tuple[ModelCard, ...] = ()
