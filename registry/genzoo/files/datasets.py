"""Reading a dataset into memory: a parquet folder, an image folder, or the Hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from genzoo.files.splits import METADATA, find_split, read_metadata
from genzoo.text import listed, one_line
from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError, GenzooError, UsageError
from genzoo_core.images import from_pil
from genzoo_core.picture_files import decode, find_pictures, left_out, read_content
from genzoo_core.reading import open_regular
from genzoo_core.recipe import DataRecipe

PATIENCE = 2.0
"""Seconds to wait for the Hub's first answer; `datasets` alone would retry for minutes."""

LABEL = "label"
"""The column that an image folder has where its pictures lie in folders."""


class Table(NamedTuple):
    """Rows of a dataset: what its columns hold, and some rows at a time, by column.

    Pictures of which a row holds a path lie in `folders`; the path begins at the first.
    """

    where: str
    features: Mapping[str, Any]
    chunks: Iterable[Mapping[str, list[Any]]]
    folders: Sequence[Path]


def read_dataset(recipe: DataRecipe, folder: Path | None, note: Callable[[str], None]) -> Dataset:
    """The dataset that a recipe names.

    `folder` holds it, itself or in a folder of its name: parquet files as on the Hub, or images,
    in folders by label or not. Without one it comes from the Hub. `note` is called with what is
    left out.

    Raises:
        DataError: It is not there or cannot be read; says what to do.
    """
    if find_spec("datasets") is None:
        text = f"reading {recipe.name} needs the library datasets, which is not installed"
        raise DataError(text, "`pip install 'genzoo[train]'`")
    where = f"the Hub's {recipe.hub}" if folder is None else str(folder)
    try:
        if folder is None:
            return _read_tables([_open_hub(recipe)], recipe)
        return _read_folder(recipe, folder, note)
    except UsageError as error:
        raise DataError(error.message, error.hint) from error
    except GenzooError:
        raise
    except Exception as error:  # whatever pyarrow and datasets raise on a damaged file
        raise DataError(f"{where} cannot be read: {one_line(error)}") from error


def _open_hub(recipe: DataRecipe) -> Table:
    """The rows of the recipe's dataset on the Hub, or in its cache."""
    folder = f"give a folder that holds {recipe.name}: --data DIR, or GENZOO_DATA"
    if not recipe.hub:
        raise DataError(f"no data for {recipe.name}", folder)
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:
        _check_hub(recipe.hub, folder)
    from datasets import Image, config, load_dataset

    try:
        rows = load_dataset(recipe.hub, split=recipe.split)
    except Exception as error:
        reason = one_line(error)
        raise DataError(f"cannot load {recipe.hub} from the Hub: {reason}", folder) from error
    features = rows.features
    if isinstance(features.get(recipe.image), Image):
        rows = rows.cast_column(recipe.image, Image(decode=False))
    caches = (Path(HF_HUB_CACHE), Path(config.HF_DATASETS_CACHE))
    chunks = rows.to_iterable_dataset().iter(batch_size=1000)
    return Table(f"the Hub's {recipe.hub}", features, chunks, caches)


def _check_hub(name: str, folder: str) -> None:
    """One short request before the long ones, in a thread: no timeout covers looking a host up."""
    from huggingface_hub import HfApi

    faults: list[str] = []

    def request() -> None:
        try:
            HfApi().dataset_info(name, timeout=PATIENCE)
            faults.append("")
        except Exception as error:
            faults.append((str(error).strip().splitlines() or [type(error).__name__])[0])

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not faults:
        raise DataError(f"the Hub does not answer, where {name} is", folder)
    if faults[0]:
        raise DataError(f"the Hub does not give {name}: {faults[0]}", folder)


def _read_folder(recipe: DataRecipe, folder: Path, note: Callable[[str], None]) -> Dataset:
    """Straight from the files: no second copy in a cache, no network."""
    inside = folder / recipe.name
    home = inside if inside.is_dir() else folder
    hint = f"give the folder that holds {recipe.name} as --data"
    if not home.is_dir():
        raise DataError(f"there is no folder {home}", hint)
    split = find_split(home, recipe.split)
    root = split.pictures
    if root is None:
        return _read_tables(_open_parquet(split.parquet, home), recipe)
    found = find_pictures(root)
    beside = [path for path in found.others if path.name.lower() in METADATA]
    left = left_out([path for path in found.others if path not in beside])
    if root != home:
        beside += [home / name for name in METADATA if (home / name).is_file()]
    if not found.pictures:
        nothing = f"{home} holds neither {recipe.split}-*.parquet nor images"
        raise DataError(nothing, left or hint)
    if left:
        note(f"{recipe.name}: {left}")
    if split.aside:
        note(f"{recipe.name}: {listed(split.aside)} is left out beside {root.name}")
    if root == home and home.resolve().name != recipe.name:
        note(f"{recipe.name}: {len(found.pictures):,} pictures of {home}, which is not called so")
    rows = _labels(found.pictures, root)
    if beside:
        further = read_metadata(beside, found.pictures, root)
        if without := len(rows) - len(further):
            note(f"{recipe.name}: {without:,} pictures are left out, which no metadata names")
        rows = {file: row | further[file] for file, row in rows.items() if file in further}
    names = dict.fromkeys(name for row in rows.values() for name in row)
    columns = {name: [row.get(name) for row in rows.values()] for name in names}
    pictures = ((str(file), read_content(file)) for file in rows)
    return _dataset(pictures, columns, recipe, str(root))


def _labels(files: Sequence[Path], root: Path) -> dict[Path, dict[str, object]]:
    """Of each file the folder below the root that it lies in, where any lies in one."""
    places = {file: file.relative_to(root).parts for file in files}
    if all(len(place) == 1 for place in places.values()):
        return {file: {} for file in files}
    return {f: {LABEL: place[0] if place[1:] else None} for f, place in places.items()}


def _open_parquet(files: Sequence[Path], home: Path) -> Iterator[Table]:
    import pyarrow.parquet as pq
    from datasets import Features

    for path in files:
        with open_regular(path) as content, pq.ParquetFile(content) as file:
            features = Features.from_arrow_schema(file.schema_arrow)
            chunks = (batch.to_pydict() for batch in file.iter_batches(batch_size=1000))
            yield Table(str(path), features, chunks, (path.parent, home))


def _read_tables(tables: Iterable[Table], recipe: DataRecipe) -> Dataset:
    columns: dict[str, list[object]] = {}
    first: list[str] = []

    def pictures() -> Iterator[tuple[str, bytes]]:
        for table in tables:
            names = list(table.features)
            if recipe.image not in names:
                there = f"its columns are {', '.join(names) or 'none'}"
                raise DataError(f"{table.where} has no column {recipe.image!r}; {there}")
            first.extend(names if not first else ())
            if sorted(names) != sorted(first):
                other = f"{', '.join(names)}, other files {', '.join(first)}"
                raise DataError(f"{table.where} has the columns {other}")
            row = 0
            for chunk in table.chunks:
                for name in names:
                    if name != recipe.image:
                        values = _named(chunk[name], table.features[name])
                        columns.setdefault(name, []).extend(values)
                for cell in chunk[recipe.image]:
                    place = f"image {row} of {table.where}"
                    yield place, _content(cell, place, table.folders)
                    row += 1

    return _dataset(pictures(), columns, recipe, recipe.name)


def _named(values: list[Any], feature: object) -> list[Any]:
    """Names in place of the ids of classes, which another dataset may number otherwise.

    An id without a name is None, such as the Hub's -1.
    """
    from datasets import ClassLabel

    if not isinstance(feature, ClassLabel) or not feature.names:
        return values
    names = dict(enumerate(feature.names))
    return [names.get(value) for value in values]


def _content(cell: object, place: str, folders: Sequence[Path]) -> bytes:
    """The bytes of a picture in a cell, or in the file of the dataset that it names."""
    data, path = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
    if isinstance(data, bytes):
        return data
    if data is not None or not isinstance(path, str):
        raise DataError(f"{place} is no picture: {str(cell)[:80]!r}")
    file = (folders[0] / path).resolve()
    # Of a stranger's data, which must not make a private picture part of a model.
    if not any(file.is_relative_to(folder.resolve()) for folder in folders):
        raise DataError(f"{place} names {path!r}, outside of the data set")
    return read_content(file)


def _dataset(
    pictures: Iterable[tuple[str, bytes]],
    columns: Mapping[str, Sequence[object]],
    recipe: DataRecipe,
    where: str,
) -> Dataset:
    """The pictures decoded, each named by its path or row where it cannot be."""
    import torch

    images = [
        from_pil(decode(data, name), recipe.shape, recipe.background) for name, data in pictures
    ]
    if not images:
        raise DataError(f"{where} holds no images")
    return Dataset(torch.stack(images), columns)
