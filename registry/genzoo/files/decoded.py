"""Datasets that were decoded before: in the cache, mapped into memory and not read into it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import PIL
from filelock import FileLock
from msgspec.structs import replace

from genzoo.files.folders import cache_folder
from genzoo.files.rows import home_of
from genzoo.files.splits import METADATA, Split, find_split
from genzoo_core.atomic import becoming, write_atomically
from genzoo_core.dataset import Dataset
from genzoo_core.errors import GenzooError
from genzoo_core.picture_files import find_pictures
from genzoo_core.reading import open_regular
from genzoo_core.recipe import DataRecipe

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
"""Another one whenever this module, or what reads pictures, does it in another way."""

LARGE = 1000
"""Pictures of a folder from which on they are cached. Fewer take a second, as long as importing
what reads tables, so that rows of a file are always cached."""

UNUSED = 30 * 24 * 3600
"""Seconds after which a dataset that nobody read leaves the cache."""


class Index(msgspec.Struct):
    """What is in the cache beside the pixels.

    Attributes:
        count: Number of pictures.
        columns: The other columns of the dataset.
        notes: What was said while it was read.
    """

    count: int
    columns: dict[str, list[Any]]
    notes: list[str]


class Decoded:
    """The place in the cache of what a recipe reads from a folder.

    `<key>.pixels` holds uint8 `[N, C, H, W]`; `<key>.index`, written last, the rest. Whoever
    writes holds `<key>.lock`.

    Attributes:
        lock: That file.
        fewest: Pictures from which on they are to be cached.
    """

    def __init__(self, folder: Path, key: str, recipe: DataRecipe, fewest: int) -> None:
        self.fewest = fewest
        self._shape = recipe.shape
        self._pixels, self._index = folder / f"{key}.pixels", folder / f"{key}.index"
        self.lock = folder / f"{key}.lock"

    @classmethod
    def of(cls, recipe: DataRecipe, folder: Path) -> Decoded | None:
        """The place of a dataset; None without a cache, or where the files cannot be read.

        Its key is a digest of the files, of where they lie, and of how they are read.
        """
        cache = cache_folder()
        if cache is None:
            return None
        digest = hashlib.sha256(
            msgspec.json.encode((FORMAT, PIL.__version__, replace(recipe, stream=0)))
        )
        try:
            home = home_of(recipe, folder)
            split = find_split(home, recipe.split if not recipe.aside else "train")
            # What is said while it is read names these.
            digest.update(msgspec.json.encode((os.path.abspath(home), split.aside)))
            for path in _files(home, split):
                with open_regular(path) as file:
                    content = hashlib.file_digest(file, "blake2b").hexdigest()
                digest.update(msgspec.json.encode((os.path.relpath(path, home), content)))
        except (OSError, GenzooError, UnicodeError):  # reading the dataset says what is wrong
            return None
        fewest = 1 if split.shards else LARGE
        return cls(Path(cache, "datasets"), digest.hexdigest(), recipe, fewest)

    def read(self, note: Callable[[str], None]) -> Dataset | None:
        """The dataset, its pictures mapped; None where it is not there, or not whole."""
        try:
            index = msgspec.msgpack.decode(self._index.read_bytes(), type=Index)
            images = self._mapped(self._pixels, index.count)
            os.utime(self._index)
        except (OSError, ValueError):  # msgspec's errors are ValueErrors
            return None
        for text in index.notes:
            note(text)
        return Dataset(images, index.columns)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within it no other process writes: it waits until that has written, or died.

        Raises:
            OSError: No file can be locked here.
        """
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(self.lock)
            lock.acquire()
        except NotImplementedError as error:  # filelock's, of a file system without locks
            raise OSError(str(error)) from error
        try:
            yield
        finally:
            # Who waits for it meanwhile locks a file that is gone, and then finds the pictures.
            self.lock.unlink(missing_ok=True)
            lock.release()

    def write(
        self,
        pictures: Iterable[Tensor],
        columns: Callable[[], dict[str, list[Any]]],
        notes: list[str],
    ) -> Dataset:
        """Put pictures into the cache as they come, and then their `columns`.

        Raises:
            OSError: There is no room for them.
        """
        _tidy(self._pixels.parent)
        count = 0
        with becoming(self._pixels) as temporary, temporary.open("wb") as file:
            for picture in pictures:
                file.write(picture.numpy().data)
                count += 1
            file.flush()
            images = self._mapped(temporary, count)
        index = Index(count, columns(), notes)
        with suppress(TypeError, ValueError):
            content = msgspec.msgpack.encode(index)
            # Such as a date or a number without a value is read from the files each time.
            if msgspec.msgpack.decode(content, type=Index) == index:
                write_atomically(self._index, content)
        return Dataset(images, index.columns)

    def _mapped(self, path: Path, count: int) -> Tensor:
        """The pixels in a file, uint8 `[count, C, H, W]`; what is written to them is not kept."""
        import numpy as np
        import torch

        return torch.from_numpy(np.memmap(path, np.uint8, "c", shape=(count, *self._shape)))


def _files(home: Path, split: Split) -> Iterator[Path]:
    """All files of which the rows of a split are made."""
    if split.pictures is None:
        yield from split.shards
        yield from find_pictures(home).pictures  # rows may name them
        return
    found = find_pictures(split.pictures)
    yield from found.pictures
    yield from found.others
    if split.pictures != home:
        yield from (home / name for name in METADATA if (home / name).is_file())


def _tidy(folder: Path) -> None:
    """Remove what has long not been read, and pixels without their index."""
    for pixels in folder.glob("*.pixels"):
        with suppress(OSError):
            index = pixels.with_suffix(".index")
            newest = (index if index.exists() else pixels).stat().st_mtime
            if time.time() - newest > UNUSED:
                index.unlink(missing_ok=True)
                pixels.unlink()
