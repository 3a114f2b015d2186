"""The plugin manifest, `genzoo.toml`, with `figures.json` beside it: a plugin as data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

import msgspec

from genzoo_core.cards import Line, Metrics, ModelCard, Words
from genzoo_core.config import Config

API_VERSION = 2
"""Version of the plugin interface. A manifest with another one is refused."""

Kind = Literal["model", "encoder", "codec", "noiser", "sampler", "conditioner", "density"]

# They end in \Z: a $ would let a newline pass.
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*\Z", max_length=100)]
Target = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z", max_length=200)]
Marker = Annotated[str, msgspec.Meta(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*\Z", max_length=200)]
PluginName = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[^/\s]+\Z", max_length=200)
]
Extra = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._,-]*\Z", max_length=100)]


class ComponentEntry(Config, omit_defaults=True):
    """A component that the plugin offers.

    Attributes:
        kind: "model", "codec", "encoder", "conditioner", "noiser", "sampler" or "density".
        name: Its name; `distribution/name` in model files.
        target: "module:Class" that makes it.
        summary: What it is, in one line.
        options: "module:Options" in a module that imports no torch, for `genzoo info`.
        unfit: Components, as `distribution/name`, that it does not go with: `genzoo info` offers it
            as an option of no model whose config has one of them.
    """

    kind: Kind
    name: Name
    target: Target
    options: Target | None = None
    unfit: tuple[PluginName, ...] = ()
    summary: Line = ""


class CommandEntry(Config, omit_defaults=True):
    """A command that the plugin adds to `genzoo`.

    Attributes:
        name: The word after `genzoo`; the built-in ones are reserved.
        help: One line for `genzoo --help`, which does not import the plugin.
        target: "module:command", a `click.Command` that gets a `genzoo_core.Zoo` as `ctx.obj`.
        extra: The extra of the plugin's distribution that the command needs, or "".
        argument: "model" where its first argument is a model's name, "recipe" where it may be that
            of a recipe template, too: a shell then completes it without importing the plugin.
    """

    name: Name
    help: Line
    target: Target
    extra: Extra = ""
    argument: Literal["model", "recipe"] | None = None


class FormatEntry(Config, omit_defaults=True):
    """A format of others that the plugin reads.

    Attributes:
        name: Its name; `distribution/name` where two plugins have one of that name.
        target: "module:Class", a `genzoo_core.formats.Format`.
        markers: Files whose presence in a folder says that it is in this format, as paths inside
            it. Nothing is imported to find out.
        tensors: In place of them, tensors that say so of a single safetensors file.
        writes: The option of `genzoo export` by which a model is written in this format: "acme"
            for `--acme DIR`; "" where it is read alone.
        summary: What it is, in one line.
    """

    name: Name
    target: Target
    markers: Annotated[tuple[Marker, ...], msgspec.Meta(max_length=16)] = ()
    tensors: Annotated[tuple[Line, ...], msgspec.Meta(max_length=16)] = ()
    writes: Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9-]*)?\Z", max_length=40)] = ""
    summary: Line = ""

    def __post_init__(self) -> None:
        if bool(self.markers) == bool(self.tensors):
            raise ValueError("a format is known by `markers` or by `tensors`, one of them")

    def marks(self, names: Collection[str]) -> bool:
        """Whether a folder with files by these names is in this format.

        Args:
            names: The files.
        """
        return bool(self.markers) and all(marker in names for marker in self.markers)


class RecipeEntry(Config, omit_defaults=True):
    """A recipe template that the plugin brings, for `genzoo train NAME --data DIR`.

    Attributes:
        name: Its name; `distribution/name` where two plugins have one of that name.
        target: "module:function", a `genzoo_core.templates.Template`.
        summary: One line.
        parts: Templates whose models are trained first and become parts of this one's model, by
            role, as `distribution/name`: `{ codec = "genzoo/codec" }`.
    """

    name: Name
    target: Target
    summary: Line = ""
    parts: dict[Name, PluginName] = {}


class Manifest(Config):
    """The content of `genzoo.toml`, which has at most 1 MiB.

    Attributes:
        api: The `API_VERSION` that the plugin was written for.
        summary: What it brings, in one line.
        requires: Plugins whose `api` module it imports, as `distribution/name`. Where one of them
            is missing, disabled or broken, it is broken too.
        hooks: Names of the hooks that the entry point's module implements.
        components: What can be built: models, codecs, conditioners and the like.
        commands: What it adds to `genzoo`.
        formats: Folders and files of other programs that it reads.
        recipes: Templates of recipes for anyone's own pictures.
        models: Cards of the models that it ships, their figures from `figures.json`.
    """

    api: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    summary: Line = ""
    requires: Annotated[tuple[PluginName, ...], msgspec.Meta(max_length=100)] = ()
    hooks: Words = ()
    components: Annotated[tuple[ComponentEntry, ...], msgspec.Meta(max_length=1000)] = ()
    commands: Annotated[tuple[CommandEntry, ...], msgspec.Meta(max_length=100)] = ()
    formats: Annotated[tuple[FormatEntry, ...], msgspec.Meta(max_length=100)] = ()
    recipes: Annotated[tuple[RecipeEntry, ...], msgspec.Meta(max_length=100)] = ()
    models: tuple[ModelCard, ...] = ()


Figures = dict[Name, Metrics]
"""The content of `figures.json`, which has at most 1 MiB: what was measured of each model, by its
name in the manifest."""
