"""Where pictures go: chosen and checked before any is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.files.writing import check_writable, put, write_failure
from genzoo.run.tasks import task_of
from genzoo_core.atomic import becoming, becoming_folder
from genzoo_core.errors import PluginError, UsageError
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.zoo import Zoo

PICTURES = ("png", "gif", "npz", "safetensors")
LATENTS = ("npz", "safetensors")


@dataclass(frozen=True)
class Destination:
    """Where to write, and how.

    Attributes:
        path: The file or folder; None to name a file in the current folder after what it shows.
        format: One of `PICTURES`, "folder", or "plugin".
        force: Replace what exists.
    """

    path: Path | None
    format: str
    force: bool = False


def choose(output: str | None, *, force: bool, catalogue: Catalogue) -> Destination:
    """What `-o` means for pictures; the plugins of `catalogue` may write further formats.

    `output` is a file, or a folder where it exists as one, ends in "/" or has no suffix. What
    exists is replaced with `force` alone.
    """
    if output is None:
        check_writable(Path())
        return Destination(None, "png")
    if output in ("", "-"):
        raise UsageError(f"-o {output!r} names no file", "give one, such as -o out.png")
    path = Path(output)
    if output.endswith(("/", os.sep)) or os.path.isdir(output) or not path.suffix:
        _check_folder(path, force)
        return Destination(path, "folder", force)
    format_ = path.suffix[1:].lower()
    if format_ not in PICTURES:
        if not any("genzoo_write_output" in plugin.hooks for plugin in catalogue.plugins):
            raise UsageError(f"cannot write {path}: give .{', .'.join(PICTURES)} or a folder")
        format_ = "plugin"
    check_file(path, force)
    return Destination(path, format_, force)


def choose_latents(output: str | None, *, force: bool) -> Destination:
    """What `-o` means for latents; as `choose`."""
    if output is None:
        check_writable(Path())
        return Destination(None, "npz")
    path = Path(output)
    format_ = path.suffix[1:].lower()
    if format_ not in LATENTS:
        raise UsageError(f"cannot write {path}: give .{' or .'.join(LATENTS)}")
    check_file(path, force)
    return Destination(path, format_, force)


def check_file(path: Path, force: bool) -> None:
    """Check that a file can be written; one that exists, with `force` alone."""
    with _path_errors(path):
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder")
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a regular file")
        if os.path.lexists(path) and not force:
            raise UsageError(f"{path} exists", "choose another name, or replace it with --force")
        check_writable(path.parent)


def _check_folder(path: Path, force: bool) -> None:
    """Check that files can be written into a folder, or that it can be made."""
    with _path_errors(path):
        if not path.exists():
            check_file(path, force)
        elif not path.is_dir():
            raise UsageError(f"{path} exists and is not a folder", "give a name with a suffix")
        else:
            check_writable(path)  # which removes what killed runs have left
            if not force and any(path.iterdir()):
                raise UsageError(
                    f"folder {path} is not empty", "choose another, or write into it with --force"
                )


@contextmanager
def _path_errors(path: Path) -> Iterator[None]:
    """What the system says of a path that cannot be (too long a name) is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def write(destination: Destination, pictures: Pictures, zoo: Zoo) -> Path:
    """Write pictures to a file or folder; which it was.

    Raises:
        UsageError: The format cannot hold them, or a file of that name has appeared.
        GenzooError: It cannot be written.
    """
    from genzoo.run.outputs import arrays, images

    path = destination.path
    match destination.format:
        case "png":
            data = images.grid_png(pictures)
        case "gif":
            data = images.animation_gif(pictures)
        case "npz":
            tensors = arrays.picture_tensors(pictures, channels_last=True)
            data = arrays.npz(tensors, pictures.record)
        case "safetensors":
            tensors = arrays.picture_tensors(pictures, channels_last=False)
            data = arrays.safetensors(tensors, pictures.record)
        case format_:
            assert path is not None  # only a path says that it is a folder or a plugin's
            with writing(path):
                if format_ == "folder":
                    with becoming_folder(path, replace=destination.force) as folder:
                        images.fill_folder(folder, pictures)
                else:
                    with becoming(path, replace=destination.force) as temporary:
                        _write_with_plugin(path, temporary, pictures, zoo)
            return path
    return _put(destination, data, pictures.record)


def write_latents(destination: Destination, latents: Latents) -> Path:
    """Write latents; as `write`."""
    from genzoo.run.outputs import arrays

    as_file = arrays.npz if destination.format == "npz" else arrays.safetensors
    data = as_file(arrays.latent_tensors(latents), latents.record)
    return _put(destination, data, latents.record)


def _put(destination: Destination, data: bytes, record: Record) -> Path:
    """Write a file; where it has no path, under the first free name of stem.png, stem-1.png, …"""
    path, suffix = destination.path, destination.format
    if path is not None:
        with writing(path):
            put(path, data, replace=destination.force)
        return path
    stem = name_of(record)
    for number in count():
        free = Path(f"{stem}-{number}.{suffix}" if number else f"{stem}.{suffix}")
        with suppress(FileExistsError):
            put(free, data, replace=False)
            break
    return free


def _write_with_plugin(path: Path, temporary: Path, pictures: Pictures, zoo: Zoo) -> None:
    if not any(zoo.call_hook("genzoo_write_output", path=temporary, pictures=pictures)):
        hint = "the warnings above say why, if one tried"
        raise PluginError(f"no plugin wrote {path}", hint)
    if not temporary.is_file():
        raise PluginError(f"a plugin said that it had written {path}, but it has not")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system says where something cannot be written, in our words."""
    try:
        yield
    except FileExistsError as error:
        raise UsageError(f"{path} has appeared meanwhile", "replace it with --force") from error
    except OSError as error:
        raise write_failure(path, error) from error


def name_of(record: Record) -> str:
    """A file's name for what it shows: model and seed, the walk's ends, or the input."""
    model = record.model.partition("@")[0] if "://" in record.model else record.model
    model = model.removesuffix(".safetensors").rsplit("/", 1)[-1]
    return f"{model}-{task_of(record).stem}"
