"""Where pictures go: chosen and checked before any is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genzoo.files.writing import check_writable, put, write_failure
from genzoo.run.tasks import task_of
from genzoo_core.atomic import becoming
from genzoo_core.errors import PluginError, UsageError
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.zoo import Zoo

Format = Literal["png", "gif", "npz", "safetensors", "folder", "plugin"]

PICTURES: dict[str, Format] = {
    ".png": "png",
    ".gif": "gif",
    ".npz": "npz",
    ".safetensors": "safetensors",
}
LATENTS: dict[str, Format] = {".npz": "npz", ".safetensors": "safetensors"}


@dataclass(frozen=True)
class Destination:
    """Where to write, and how.

    Attributes:
        path: The file or folder; None to name a file in the current folder after what it shows.
        format: How it is written.
        force: Replace what exists.
    """

    path: Path | None
    format: Format
    force: bool = False


def choose(output: str | None, *, force: bool, catalogue: Catalogue) -> Destination:
    """What `-o` means for pictures.

    Args:
        output: A file; a folder where it exists as one, ends in "/" or has no suffix; or None.
        force: Replace what exists.
        catalogue: Its plugins may write further formats.

    Raises:
        UsageError: It exists, its folder does not, it cannot be written, or nothing writes its
            suffix.
    """
    if output is None:
        check_writable(Path())
        return Destination(None, "png")
    if output in ("", "-"):
        raise UsageError(f"-o {output!r} names no file", "give one, such as -o out.png")
    path = Path(output)
    with _path_errors(path):
        if output.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
            return _folder(path, force)
        format_ = PICTURES.get(path.suffix.lower())
        if format_ is None:
            if not any("genzoo_write_output" in plugin.hooks for plugin in catalogue.plugins):
                raise unknown_suffix(path, [*PICTURES, "a folder"])
            format_ = "plugin"
        _check_file(path, force)
    return Destination(path, format_, force)


def choose_latents(output: str | None, *, force: bool) -> Destination:
    """What `-o` means for latents; as `choose`."""
    if output is None:
        check_writable(Path())
        return Destination(None, "npz")
    path = Path(output)
    format_ = LATENTS.get(path.suffix.lower())
    if format_ is None:
        raise unknown_suffix(path, list(LATENTS))
    check_file(path, force)
    return Destination(path, format_, force)


def unknown_suffix(path: Path, known: list[str]) -> UsageError:
    """The error for a file that nothing writes."""
    return UsageError(f"cannot write {path}: give {', '.join(known[:-1])} or {known[-1]}")


@contextmanager
def _path_errors(path: Path) -> Iterator[None]:
    """What the system says of a path that cannot be (too long a name) is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def check_file(path: Path, force: bool) -> None:
    """Check that a file can be written.

    Raises:
        UsageError: It exists without `force`, is a folder, its folder is missing, or it cannot
            be written.
    """
    with _path_errors(path):
        _check_file(path, force)


def _check_file(path: Path, force: bool) -> None:
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {path}: it is not a regular file")
    if path.exists() and not force:
        raise UsageError(f"{path} exists", "choose another name, or replace it with --force")
    check_writable(path.parent)


def _folder(path: Path, force: bool) -> Destination:
    if path.is_dir():
        if not force and any(path.iterdir()):
            raise UsageError(
                f"folder {path} is not empty", "choose another, or write into it with --force"
            )
        check_writable(path)
    elif path.exists():
        raise UsageError(f"{path} exists and is not a folder", "give a name with a suffix")
    else:
        _check_file(path, force)
    return Destination(path, "folder", force)


def write(destination: Destination, pictures: Pictures, zoo: Zoo) -> Path:
    """Write pictures.

    Returns:
        The file or folder that was written.

    Raises:
        UsageError: The format cannot hold them, or a file of that name has appeared.
        GenzooError: It cannot be written.
    """
    path = destination.path
    if path is not None and destination.format == "folder":
        from genzoo.run.outputs.folder import write_folder

        write_folder(path, pictures)
        return path
    if path is not None and destination.format == "plugin":
        _write_with_plugin(path, pictures, zoo, destination.force)
        return path
    return _put(destination, _content(destination.format, pictures), pictures.record)


def write_latents(destination: Destination, latents: Latents) -> Path:
    """Write latents; as `write`."""
    from genzoo.run.outputs import arrays

    as_file = arrays.npz if destination.format == "npz" else arrays.safetensors
    data = as_file(arrays.latent_tensors(latents), latents.record)
    return _put(destination, data, latents.record)


def _content(format_: Format, pictures: Pictures) -> bytes:
    if format_ == "png":
        from genzoo.run.outputs.png import grid_png

        return grid_png(pictures)
    if format_ == "gif":
        from genzoo.run.outputs.gif import animation_gif

        return animation_gif(pictures)
    from genzoo.run.outputs import arrays

    if format_ == "npz":
        return arrays.pictures_npz(pictures)
    return arrays.safetensors(arrays.picture_tensors(pictures), pictures.record)


def _put(destination: Destination, data: bytes, record: Record) -> Path:
    path = destination.path
    if path is None:
        return _put_anywhere(data, name_of(record), destination.format)
    try:
        put(path, data, replace=destination.force)
    except FileExistsError as error:
        raise _appeared(path) from error
    return path


def _put_anywhere(data: bytes, stem: str, suffix: str) -> Path:
    """Under the first free name of stem.png, stem-1.png, …"""
    for number in count():
        path = Path(f"{stem}-{number}.{suffix}" if number else f"{stem}.{suffix}")
        try:
            put(path, data, replace=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("there is always a free name")


def _appeared(path: Path) -> UsageError:
    return UsageError(f"{path} has appeared meanwhile", "replace it with --force")


def name_of(record: Record) -> str:
    """A file's name for what it shows: model and seed, the walk's ends, or the input."""
    model = record.model.partition("@")[0] if "://" in record.model else record.model
    model = model.removesuffix(".safetensors").rsplit("/", 1)[-1]
    return f"{model}-{task_of(record).stem}"


def _write_with_plugin(path: Path, pictures: Pictures, zoo: Zoo, force: bool) -> None:
    try:
        with becoming(path, replace=force) as temporary:
            if not any(zoo.call_hook("genzoo_write_output", path=temporary, pictures=pictures)):
                hint = "the warnings above say why, if one tried"
                raise PluginError(f"no plugin wrote {path}", hint)
            if not temporary.is_file():
                raise PluginError(f"a plugin said that it had written {path}, but it has not")
    except FileExistsError as error:
        raise _appeared(path) from error
    except OSError as error:
        raise write_failure(path, error) from error
