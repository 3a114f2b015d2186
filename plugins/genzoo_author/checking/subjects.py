"""What the argument of `genzoo check` means."""

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
        name: What the kit is asked for: a plugin's or a distribution's name, a model's name, or
            the path of a file.
        plugins: The plugins, where it is one or several.
    """

    kind: Literal["plugin", "model", "recipe"]
    name: str
    plugins: tuple[Plugin, ...] = ()


def find_subject(zoo: Zoo, text: str) -> Subject:
    """What `text` means.

    Args:
        zoo: Where plugins and models are found. None of their code is run.
        text: A distribution, a plugin, a model, a folder, or a file.

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
    """The plugins whose packages lie in a folder, or that its pyproject.toml describes."""
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
    if _in_a_format(zoo, folder):
        return Subject("model", str(named))
    return _of_project(zoo, folder, named)


def _in_a_format(zoo: Zoo, folder: Path) -> bool:
    """Whether a folder has the marks of a format that some plugin reads."""
    return any(
        entry.markers and all((folder / marker).is_file() for marker in entry.markers)
        for plugin in zoo.plugins()
        if plugin.manifest is not None
        for entry in plugin.manifest.formats
    )


def _of_project(zoo: Zoo, folder: Path, named: Path) -> Subject:
    """None of the packages in `folder` is installed from there: what is there instead, if any."""
    # A plugin's package lies in its project; any other folder is taken for what it is.
    above = folder.resolve().parents if (folder / MANIFEST).exists() else ()
    project = next((place for place in (folder, *above) if _project_name(place)), folder)
    command = f"`pip install -e {project}`"
    name = _project_name(project)
    if name is None:
        hint = f"install it first, so that its source is used: {command}"
        raise UsageError(f"{named} is not that of an installed plugin", hint)
    try:
        zoo.plugins(name)
    except GenzooError:
        hint = f"install it first, so that its source is used: {command}"
        raise UsageError(f"{named} is the source of {name}, which is not installed", hint) from None
    raise UsageError(
        f"{named} is the source of {name}, but what is installed is a copy of it",
        f"{command}, or check the copy: `genzoo check {name}`",
    )


def _project_name(folder: Path) -> str | None:
    """Name of the distribution whose pyproject.toml lies in a folder; None where none does."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        name = tomllib.loads(text)["project"]["name"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None
