"""The argument of `genzoo check`: a plugin, a model or a recipe."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.plugin import Plugin
from genzoo_core.zoo import Zoo

MANIFEST = "genzoo.toml"


@dataclass(frozen=True)
class Subject:
    """What is to be checked.

    Attributes:
        kind: What it is; a folder in a format of others is a model.
        name: Its name for the kit: that of a plugin, a distribution or a model, or the path of a
            file.
        plugins: The plugins, where it is one or several.
    """

    kind: Literal["plugin", "model", "recipe"]
    name: str
    plugins: tuple[Plugin, ...] = ()


def find_subject(zoo: Zoo, text: str) -> Subject:
    """The subject that `text` names: a distribution, a plugin, a model, a folder, or a file.

    No code of plugins is run.

    Raises:
        UsageError: None of these, or a folder of a plugin that is not installed.
    """
    path = Path(text).expanduser()
    if path.name == MANIFEST:
        return _of_folder(zoo, path.parent, path)
    if path.is_file() or text.endswith((".toml", ".safetensors")):
        return Subject("recipe" if text.endswith(".toml") else "model", text)
    if path.is_dir() and ("/" in text or text == "."):
        return _of_folder(zoo, path, path)
    try:
        return Subject("plugin", text, zoo.plugins(text))
    except UsageError as no_plugin:
        return _of_folder(zoo, path, path) if path.is_dir() else _model(zoo, text, no_plugin)


def _model(zoo: Zoo, text: str, no_plugin: UsageError) -> Subject:
    try:
        zoo.card(text)
    except UsageError as no_model:
        if text.count("/") > 1:
            raise UsageError(f"there is no file {text}", "check the path") from None
        near = (no_model.hint, no_plugin.hint)
        hint = next((h for h in near if h and h.startswith("did you mean")), None)
        raise UsageError(
            f"no plugin and no model is called {text[:100]!r}",
            hint or "`genzoo plugins` and `genzoo list` show what there is",
        ) from None
    return Subject("model", text)


def _of_folder(zoo: Zoo, folder: Path, named: Path) -> Subject:
    """The plugins or the model in a folder; `named` is the path that the user gave."""
    if not named.exists():
        raise UsageError(f"there is no {named}", "name a folder, a file, a plugin or a model")
    inside = folder.resolve()
    found = tuple(
        plugin
        for plugin in zoo.plugins()
        if plugin.folder is not None and plugin.folder.resolve().is_relative_to(inside)
    )
    distributions = {plugin.distribution for plugin in found}
    if len(distributions) == 1:
        distribution = found[0].distribution
        if len(zoo.plugins(distribution)) == len(found):
            return Subject("plugin", distribution, plugins=found)
        if len(found) == 1:
            return Subject("plugin", found[0].name, plugins=found)
    if len(found) > 1:
        names = ", ".join(sorted({plugin.name for plugin in found}))
        raise UsageError(f"{named} holds several plugins: {names}", "name one of them")
    formats = (entry for p in zoo.plugins() if p.manifest for entry in p.manifest.formats)
    if any(f.markers and all((folder / m).is_file() for m in f.markers) for f in formats):
        return Subject("model", str(named))
    raise _not_installed(zoo, folder, named)


def _not_installed(zoo: Zoo, folder: Path, named: Path) -> UsageError:
    """Why none of the installed packages lies in a folder."""
    # A plugin's package lies in its project; any other folder is searched alone.
    above = folder.resolve().parents if (folder / MANIFEST).exists() else ()
    project = next((place for place in (folder, *above) if _project_name(place)), folder)
    name = _project_name(project)
    install = f"`pip install -e {project}`"
    hint = f"install it first, so that its source is used: {install}"
    if name is None:
        return UsageError(f"{named} is not that of an installed plugin", hint)
    try:
        zoo.plugins(name)
    except GenzooError:
        return UsageError(f"{named} is the source of {name}, which is not installed", hint)
    return UsageError(
        f"{named} is the source of {name}, but what is installed is a copy of it",
        f"{install}, or check the copy: `genzoo check {name}`",
    )


def _project_name(folder: Path) -> str | None:
    """Name of the distribution whose pyproject.toml lies in a folder; None where none does."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        name = tomllib.loads(text)["project"]["name"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None
