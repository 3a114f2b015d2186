"""Where pictures go: chosen and checked before any is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

from genzoo.files.writing import check_writable, new_file, write_failure
from genzoo.run.make import join, spanning
from genzoo.run.outputs.style import STYLE, Style
from genzoo.run.outputs.tags import model_stem
from genzoo.run.tasks import task_of
from genzoo_core.atomic import becoming, becoming_folder
from genzoo_core.errors import PluginError, UsageError
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.zoo import Zoo

LATENTS = ("npz", "safetensors")
ENCODED = (*LATENTS, "parquet")
IN_ONE = ("png", "gif", "jpeg", "webp")
"""Formats of one picture that all are laid out in."""
SUFFIXES = {"png": "png", "gif": "gif", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"} | {
    name: name for name in LATENTS
}
"""What each built-in suffix means."""
STDOUT = "-"
"""What `-o` says for a PNG on stdout."""


@dataclass(frozen=True)
class Destination:
    """Where to write, and how; `force` replaces what exists.

    Attributes:
        path: The file or folder; None to name a file in `unnamed` after what it shows.
        format: Of `SUFFIXES`, or "folder" or "plugin"; of latents one of `ENCODED`.
        style: How the pictures are written, where there is a choice.
        stdout: Whether they go to stdout, and not into a file.
        unnamed: The folder of a file that is named after what it shows.
    """

    path: Path | None
    format: str
    force: bool = False
    style: Style = STYLE
    stdout: bool = False
    unnamed: Path = Path()


def choose(
    output: str | None,
    *,
    force: bool,
    catalogue: Catalogue,
    style: Style = STYLE,
    unnamed: Path = Path(),
) -> Destination:
    """What `-o` means for pictures; the plugins of `catalogue` may write further formats.

    `output` is a file, "-" for a PNG on stdout, or a folder where it exists as one, ends in "/" or
    has no suffix. Without one a file goes into the folder `unnamed`.
    """
    if output is None:
        check_writable(unnamed)
        return Destination(None, "png", style=style, unnamed=unnamed)
    if output == STDOUT:
        return Destination(None, "png", style=style, stdout=True)
    if not output:
        raise UsageError("-o '' names no file", "give one, such as -o out.png")
    path = Path(output)
    if output.endswith(("/", os.sep)) or os.path.isdir(output) or not path.suffix:
        check_folder(path, force)
        return Destination(path, "folder", force, style)
    format_ = SUFFIXES.get(path.suffix[1:].lower(), "plugin")
    if format_ == "plugin" and not catalogue.has_hook("genzoo_write_output"):
        raise UsageError(f"cannot write {path}: give .{', .'.join(SUFFIXES)} or a folder")
    check_file(path, force)
    return Destination(path, format_, force, style)


def choose_latents(output: str | None, *, force: bool, unnamed: Path = Path()) -> Destination:
    """What `-o` means for latents; as `choose`."""
    if output is None:
        check_writable(unnamed)
        return Destination(None, "npz", unnamed=unnamed)
    path = Path(output)
    format_ = path.suffix[1:].lower()
    if format_ not in ENCODED:
        raise UsageError(f"cannot write {path}: give .{', .'.join(LATENTS)} or .parquet")
    check_file(path, force)
    return Destination(path, format_, force)


def check_file(path: Path, force: bool) -> None:
    """Check that a file can be written; one that exists, with `force` alone.

    Folders above it that are missing will be made.
    """
    with _path_errors(path):
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder")
        place = existing(path.parent)
        if not place.is_dir():
            raise UsageError(f"cannot write {path}: {place} is not a folder")
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a regular file")
        if os.path.lexists(path) and not force:
            raise UsageError(f"{path} exists", "choose another name, or replace it with --force")
        check_writable(place)


def existing(folder: Path) -> Path:
    """A folder, or of those above it the nearest that exists, as whatever it is."""
    return next(place for place in (folder, *folder.parents, Path()) if os.path.lexists(place))


def check_folder(path: Path, force: bool) -> None:
    """Check that files can be written into a folder, or that it can be made."""
    with _path_errors(path):
        if path.is_dir():
            check_writable(path)  # which removes what killed runs have left
            if not force and any(path.iterdir()):
                raise UsageError(
                    f"folder {path} is not empty", "choose another, or write into it with --force"
                )
        elif os.path.lexists(path):
            raise UsageError(f"{path} exists and is not a folder", "give a name with a suffix")
        else:
            check_file(path, force)


@contextmanager
def _path_errors(path: Path) -> Iterator[None]:
    """Within it, what the system says of a path (too long a name) is the user's error."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def write(destination: Destination, batches: Iterable[Pictures], zoo: Zoo) -> Path:
    """Write the pictures of a run, as they come; gives the file or folder.

    Folders and arrays take no more memory for more pictures.

    Raises:
        UsageError: The format cannot hold them, or a file of that name has appeared.
        GenzooError: It cannot be written.
    """
    from genzoo.run.outputs import arrays, images

    path, force, style = destination.path, destination.force, destination.style
    if destination.format in LATENTS:
        last = destination.format == "npz"
        tensors = ((arrays.picture_tensors(each, channels_last=last), each) for each in batches)
        return _write_arrays(destination, tensors)
    if destination.format in IN_ONE:
        pictures = join(list(batches))
        data = images.grid_file(pictures, destination.format, style)
        return write_file(destination, pictures.record, lambda file: file.write(data))
    assert path is not None  # only a path says that it is a folder or a plugin's
    with writing(path):
        if destination.format == "folder":
            with becoming_folder(path, replace=force) as folder:
                for pictures in batches:
                    images.fill_folder(folder, pictures, style)
        else:
            with becoming(path, replace=force) as temporary:
                _write_with_plugin(path, temporary, join(list(batches)), zoo)
    return path


def files_in(path: Path, record: Record) -> Iterator[Path]:
    """The files that `write` has written at `path`."""
    from genzoo.run.outputs.images import file_name

    if not path.is_dir():
        yield path
        return
    for index in range(*(record.pictures or (0, task_of(record).rows * record.n))):
        yield path / file_name(record, index)


def write_latents(destination: Destination, latents: Latents) -> Path:
    """Write latents; as `write`."""
    from genzoo.run.outputs.arrays import latent_tensors

    return _write_arrays(destination, [(latent_tensors(latents), latents)])


def _write_arrays(
    destination: Destination, batches: Iterable[tuple[Mapping[str, Tensor], Pictures | Latents]]
) -> Path:
    """Write the tensors of all batches, those of one name as one."""
    from genzoo.run.outputs import arrays

    rows: dict[str, arrays.Rows] = {}
    record: Record | None = None
    path = destination.path
    with write_errors(path or destination.unnamed):
        for tensors, batch in batches:
            place = existing(path.parent) if path else destination.unnamed
            arrays.add_rows(rows, tensors, place)
            record = spanning(record or batch.record, batch.record)
    assert record is not None  # a run has pictures
    write_as = arrays.write_npz if destination.format == "npz" else arrays.write_safetensors
    return write_file(destination, record, lambda file: write_as(file, rows, record))


def write_file(
    destination: Destination, record: Record, fill: Callable[[IO[bytes]], object]
) -> Path:
    """Write a file; without a path, under the first free name of stem.png, stem-1.png, …"""
    path, suffix = destination.path, destination.format
    if path is not None:
        with writing(path), new_file(path, replace=destination.force) as file:
            fill(file)
        return path
    stem = name_of(record)
    for number in count():
        name = f"{stem}-{number}.{suffix}" if number else f"{stem}.{suffix}"
        free = destination.unnamed / name
        with suppress(FileExistsError):
            with new_file(free, replace=False) as file:
                fill(file)
            break
    return free


def _write_with_plugin(path: Path, temporary: Path, pictures: Pictures, zoo: Zoo) -> None:
    if not any(zoo.call_hook("genzoo_write_output", path=temporary, pictures=pictures)):
        raise PluginError(f"no plugin wrote {path}", "the warnings above say why, if one tried")
    if not temporary.is_file():
        raise PluginError(f"a plugin said that it had written {path}, but it has not")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within it, the folders above `path` are there, and errors of the system are `write_errors`.

    Those that were made are gone again where something goes wrong.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except BaseException:
            for folder in missing:
                with suppress(OSError):  # another process has written into it
                    folder.rmdir()
            raise


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Within it, what the system says where `path` cannot be written becomes our error."""
    try:
        yield
    except FileExistsError as error:
        raise UsageError(f"{path} has appeared meanwhile", "replace it with --force") from error
    except BrokenPipeError:  # nobody reads stderr
        raise
    except OSError as error:
        raise write_failure(path, error) from error


def name_of(record: Record) -> str:
    """A file's name for what it shows: model and seed, the walk's ends, or the input."""
    return f"{model_stem(record)}-{task_of(record).stem}"
