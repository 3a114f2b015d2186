"""Reading a dataset into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from genzoo.files.decoded import LARGE, Decoded
from genzoo.files.rows import rows_of_folder, rows_of_hub
from genzoo.text import one_line
from genzoo_core.dataset import Dataset, Row, columns_of
from genzoo_core.errors import DataError, GenzooError, UsageError
from genzoo_core.images import from_pil
from genzoo_core.picture_files import decode
from genzoo_core.recipe import DataRecipe

if TYPE_CHECKING:
    from torch import Tensor

ASIDE = "test"
"""The split that the pictures set aside are, where a recipe sets some aside."""


def read_dataset(
    recipe: DataRecipe, folder: Path | None, note: Callable[[str], None], *, cached: bool = True
) -> Dataset:
    """The dataset that a recipe names, decoded; see `read_rows`.

    The pictures of a large one, and of rows in files, lie in the cache, from which they are mapped
    into memory, unless `cached` is False.
    """
    import torch

    place = Decoded.of(recipe, folder) if cached and folder is not None else None
    if place is not None and (found := place.read(note)):
        return found
    cells: list[Mapping[str, object]] = []
    notes: list[str] = []

    def noted(text: str) -> None:
        notes.append(text)
        note(text)

    def decoded() -> Iterator[Tensor]:
        for row in read_rows(recipe, folder, noted):
            image = decode_row(row, recipe)
            cells.append(row.cells)
            yield image

    pictures = decoded()
    images = list(islice(pictures, LARGE))
    if place is not None and len(images) >= place.fewest:
        try:
            with place.alone():
                # Another process may have decoded them meanwhile, such as another rank.
                found = place.read(lambda text: None if text in notes else note(text))
                if found is not None:
                    return found
                return place.write(chain(images, pictures), lambda: columns_of(cells), notes)
        except OSError:  # no room, or no right to write
            return read_dataset(recipe, folder, lambda _: None, cached=False)
    return Dataset(torch.stack([*images, *pictures]), columns_of(cells))


def decode_row(row: Row, recipe: DataRecipe) -> Tensor:
    """The picture of a row as the recipe wants it, uint8 `[C, H, W]`.

    Raises:
        DataError: It is damaged.
    """
    with data_errors(row.place):
        picture = decode(row.read(), row.place)
        return from_pil(picture, recipe.shape, recipe.background, recipe.fit)


def read_rows(
    recipe: DataRecipe, folder: Path | None, note: Callable[[str], None]
) -> Iterator[Row]:
    """The rows of the dataset that a recipe names, one by one.

    `folder` holds it, itself or in a folder of its name: parquet files as on the Hub, tar files
    of a WebDataset, or images, in folders by label or not. Without one it comes from the Hub.
    `note` is called with what was left out.

    Raises:
        DataError: It is not there or cannot be read; says what to do.
    """
    if find_spec("datasets") is None:
        raise DataError(
            f"reading {recipe.name} needs the library datasets, which is not installed",
            "`pip install 'genzoo[train]'`",
        )
    where = f"the Hub's {recipe.hub}" if folder is None else str(folder)
    aside = recipe.split == ASIDE and recipe.aside > 0
    if aside:
        recipe = replace(recipe, split="train")
    count = 0
    with data_errors(where):
        rows = rows_of_hub(recipe) if folder is None else rows_of_folder(recipe, folder, note)
        for row in rows:
            if not recipe.aside or _is_aside(row.read(), recipe.aside) == aside:
                count += 1
                yield row
    if not count:
        raise DataError(f"{where} holds no images")


def _is_aside(content: bytes, share: float) -> bool:
    """Whether a picture is set aside: by its bytes, so that copies of it are too, and all stay
    where they are when others are added."""
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


@contextmanager
def data_errors(where: str) -> Iterator[None]:
    """What goes wrong with data, said as a `DataError`."""
    try:
        yield
    except (DataError, GeneratorExit):  # of a folder that is not there it is a `UsageError`, too
        raise
    except UsageError as error:
        raise DataError(error.message, error.hint) from error
    except GenzooError:
        raise
    except Exception as error:  # whatever pyarrow and datasets raise on a damaged file
        raise DataError(f"{where} cannot be read: {one_line(error)}") from error
