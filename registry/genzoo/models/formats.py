"""Folders in formats of others: whose they are, and what their format makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.cards import check_figures
from genzoo.files.foreign import Files
from genzoo.files.listing import FileSource
from genzoo.files.model_file import read_header
from genzoo.files.shards import SUFFIX
from genzoo.plugins.guard import load_target, stdout_to_stderr, warn
from genzoo.plugins.names import Owned, full_name
from genzoo.text import brief, listed, one_line, quoted
from genzoo_core.atomic import becoming_folder
from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError, PluginError, UsageError, WeightsError
from genzoo_core.formats import Described, Format
from genzoo_core.manifest import FormatEntry
from genzoo_core.picture_files import picture_suffixes
from genzoo_core.plugin import Model, Plugin
from genzoo_core.recipe import CHECKPOINT
from genzoo_core.specs import ModelSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import nn

    from genzoo.plugins.catalogue import Catalogue

MAX_FRONT_MATTER = 100_000
"""Most characters of what a README says of itself before its text."""

MAX_TRIED = 20
"""Most files of weights among which the one of genzoo's is looked for."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder, here or elsewhere, in the format of others that its files say.

    Its files were listed and checked; nothing of the plugin that reads it was imported. `added` is
    the model of the user's own list that it is, if it was named by that.
    """

    files: Files
    format: Owned[FormatEntry]
    added: Model | None = None

    @property
    def name(self) -> str:
        """Its path or reference."""
        return self.files.name

    def card(self) -> ModelCard:
        """What it says of itself; no weights are loaded for that.

        Raises:
            WeightsError: Its format cannot read it.
            PluginError: The plugin of the format is broken.
        """
        with self.reading():
            card = self._reader.card(self.files)
        return self._completed(card)

    def load(self) -> tuple[ModelCard, Described | nn.Module]:
        """Its card, and what its format makes of it; raises as `card`."""
        card = self.card()
        with self.reading():
            loaded = self._reader.load(self.files)
            if isinstance(loaded, Described):  # a struct and a mapping that code made
                spec = msgspec.convert(msgspec.to_builtins(loaded.spec), ModelSpec)
                loaded = Described(spec, dict(loaded.tensors))
        return card, loaded

    def model(self, card: ModelCard, sha256: str = "") -> Model:
        """The model in the list that it is, or one by itself."""
        file = WeightsFile(Path(self.name), self.name, sha256)
        return self.added or Model(card, file=file, variant=self.files.variant)

    @cached_property
    def _reader(self) -> Format:
        for script in self.files.scripts[:1]:
            others = f" and {n} more" if (n := len(self.files.scripts) - 1) else ""
            warn(f"{self.name} holds code, which is not run: {quoted(script)}{others}")
        return load_format(self.format.plugin, self.format.entry)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Within it, what the format raises is a `WeightsError`, and its stdout is stderr."""
        try:
            with stdout_to_stderr():
                yield
        except GenzooError:
            raise
        except (Exception, SystemExit) as error:
            raise WeightsError(
                f"format {full_name(self.format)} cannot read {self.name}: {one_line(error)}"
            ) from error

    def _completed(self, card: Any) -> ModelCard:
        """A format's card, checked, with what the registry knows by itself."""
        owner = f"format {full_name(self.format)}"
        if not isinstance(card, ModelCard):
            raise PluginError(f"{owner} gave {type(card).__name__}, not a ModelCard")
        try:  # a struct that code makes is not checked
            card = msgspec.convert(msgspec.to_builtins(card), ModelCard)
        except (msgspec.ValidationError, TypeError) as error:
            raise PluginError(f"{owner} gave a malformed card: {brief(error)}") from error
        check_figures(card)
        parts = self.files.parts() if not (card.size and card.parameters) else []
        completed: ModelCard = msgspec.structs.replace(
            card,
            # A manifest says these of its own models; of a folder nobody has checked them.
            weights="",
            sha256="",
            recipe="",
            aliases=(),
            license=card.license or license_in(self.files),
            size=card.size or sum(part.size for part in parts),
            parameters=card.parameters or sum(part.parameters or 0 for part in parts),
        )
        return completed


def load_format(plugin: Plugin, entry: FormatEntry) -> Format:
    """What reads the folders of a format; its plugin is imported.

    Raises:
        PluginError: It cannot be imported, or is no `Format` that can be made.
    """
    cls = load_target(plugin, entry.target)
    if not (isinstance(cls, type) and issubclass(cls, Format)):
        raise PluginError(f"plugin {plugin}: format {entry.name}: {entry.target} is no Format")
    try:
        made: Format = cls()
    except Exception as error:
        raise PluginError(
            f"plugin {plugin}: format {entry.name} cannot be made: {one_line(error)}"
        ) from error
    return made


def write_folder(format_: Owned[FormatEntry], opened: Opened, path: Path) -> None:
    """Write a model in a format of others, to a folder that appears whole.

    Raises:
        FileExistsError: The folder holds something.
        ConfigError: The format cannot hold this model.
        PluginError: The plugin that writes it is broken.
    """
    try:
        with becoming_folder(path) as temporary, stdout_to_stderr():
            load_format(format_.plugin, format_.entry).write(opened, temporary)
    except (GenzooError, OSError):
        raise
    except Exception as error:  # a plugin's code
        raise PluginError(
            f"format {full_name(format_)} cannot write {opened.name}: {one_line(error)}"
        ) from error


def find_folder(catalogue: Catalogue, files: Files) -> ModelFolder | WeightsFile | None:
    """The folder in its format; the file, where exactly one is of genzoo's; or None.

    Raises:
        UsageError: Several formats claim it, or its weights have no such variant.
        WeightsError: It holds what is not read.
    """
    claims = [each for each in catalogue.formats if each.entry.marks(files.files.keys())]
    # One that asks for all that another does, and for more, knows better.
    best = [
        one
        for one in claims
        if not any(set(one.entry.markers) < set(other.entry.markers) for other in claims)
    ]
    if len(best) > 1:
        names = listed([full_name(each) for each in best], " and ")
        plugins = sorted({each.distribution for each in best})
        raise UsageError(
            f"{files.name} is in several formats: {names}",
            f"leave a plugin out: GENZOO_DISABLE={plugins[0]}",
        )
    if best:
        files.check()
        return ModelFolder(files, best[0])
    found = _own_files(files)
    return found[0] if len(found) == 1 else None


def find_single(catalogue: Catalogue, path: Path, reference: str = "") -> ModelFolder | None:
    """One safetensors file in a format of others; None for any other file."""
    formats = [each for each in catalogue.formats if each.entry.tensors]
    if not formats or path.suffix.lower() != SUFFIX:
        return None
    with suppress(GenzooError):
        files = Files(FileSource(path, reference))
        names = {name for header in files.headers() for name in header}
        for each in formats:
            if set(each.entry.tensors) <= names:
                return ModelFolder(files, each)
    return None


def no_format(catalogue: Catalogue, files: Files) -> UsageError:
    """What to say of a folder that no format claims."""
    files.checked.refuse_pickles()
    there = listed(list(files.files)[:5]) or "no files"
    # Those that somebody installed for a folder of his come first.
    found = sorted(catalogue.formats, key=lambda each: each.plugin.distribution == "genzoo")
    formats = [
        f"{full_name(each)} ({', '.join(each.entry.markers)})"
        for each in found
        if each.entry.markers
    ]
    hint = f"installed are {listed(formats)}" if formats else "no installed plugin reads any"
    if own := [each.path.name for each in _own_files(files)]:
        hint = f"name one of its model files: {listed(own, ' or ')}"
    elif CHECKPOINT in files.files:
        hint = "it is a training that has not ended: --resume goes on with it"
        return UsageError(f"{files.name} holds no model yet", hint)
    elif any(Path(name).suffix.lower() in picture_suffixes() for name in files.files):
        hint = "learn from pictures with `genzoo train FAMILY --data`, vary one with --input"
        return UsageError(f"{files.name} is no model: it holds {there}", hint)
    return UsageError(f"{files.name} is in no known format: it holds {there}", hint)


def license_in(files: Files) -> str:
    """The licence that the front matter of a README names; "" where there is none."""
    import yaml

    with suppress(GenzooError, ValueError, yaml.YAMLError, RecursionError):
        readme = files.checked.read("README.md")[: 4 * MAX_FRONT_MATTER]
        text = readme.decode("utf-8-sig", "replace")
        begin, dashes, rest = text.replace("\r\n", "\n").partition("---\n")
        front, end, _ = rest.partition("\n---")
        if begin or not dashes or not end or len(front) > MAX_FRONT_MATTER:
            return ""
        # A graph of its nodes: what they would make may be larger than any memory.
        root = yaml.compose(front, Loader=yaml.SafeLoader)
        for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
            if key.value == "license" and isinstance(value, yaml.ScalarNode):
                return value.value if len(value.value) <= 100 else ""
    return ""


def _own_files(files: Files) -> list[WeightsFile]:
    """The files of genzoo's; none where too many may be some, or they are not on this machine.

    A training leaves one alone, beside its checkpoint if it stopped.
    """
    names = [name for name in files.files if name.endswith(SUFFIX) and "/" not in name]
    found: list[WeightsFile] = []
    if not files.checked.is_local or len(names) > MAX_TRIED:
        return found
    for name in names:
        path = Path(os.path.join(files.name, name))
        with suppress(GenzooError):
            read_header(path)
            found.append(WeightsFile(path))
    return found
