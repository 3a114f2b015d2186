"""The rows of a dataset, before their pictures are decoded: a folder of files, or the Hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from genzoo.files.splits import METADATA, NoFolderError, find_split, read_metadata, unwrapped
from genzoo.files.webdataset import CAPTION, LABEL, MAX_CAPTION, TEXT, as_text, rows_of_tar
from genzoo.text import listed, one_line
from genzoo_core.dataset import Row
from genzoo_core.errors import DataError
from genzoo_core.picture_files import (
    find_pictures,
    left_out,
    read_content,
)
from genzoo_core.reading import open_regular, read_bytes
from genzoo_core.recipe import DataRecipe, folder_name

PATIENCE = 2.0
"""Seconds to wait for the Hub's first answer; `datasets` alone would retry for minutes."""

IMAGE = "image"
"""What recipes call the column of pictures."""

USUAL = {
    IMAGE: (IMAGE, "img", "picture"),
    LABEL: (LABEL, "labels", "fine_label", "class"),
    TEXT: (TEXT, "caption", "captions", "prompt"),
}
"""What datasets call them, in the order in which they are looked for."""


def rows_of_folder(recipe: DataRecipe, folder: Path, note: Callable[[str], None]) -> Iterator[Row]:
    """The rows of a split, straight from the files: no second copy in a cache, no network.

    `folder` is the dataset or holds it; `note` is called with what was left out.

    Raises:
        DataError: It is not there, or not whole.
    """
    home = home_of(recipe, folder)
    hint = "give a folder with pictures or parquet files, or one that holds such a folder"
    if not home.is_dir():
        raise NoFolderError(f"there is no folder {home}", hint)
    split = find_split(home, recipe.split)
    if split.shards:
        return renamed(_of_shards(split.shards, home, recipe), recipe)
    assert split.pictures is not None
    found = find_pictures(split.pictures)
    beside = [path for path in found.others if path.name.lower() in METADATA]
    if split.pictures != home:
        beside += [home / name for name in METADATA if (home / name).is_file()]
    captions = _captions(found.pictures, found.others)
    used = {*beside, *captions.values()}
    left = left_out([path for path in found.others if path not in used])
    if not found.pictures:
        nothing = f"{home} holds neither {recipe.split}-*.parquet nor images"
        raise DataError(nothing, left or hint)
    if left:
        note(f"{recipe.name}: {left}")
    if split.aside:
        note(f"{recipe.name}: {listed(split.aside)} is left out beside {split.pictures.name}")
    called = (folder.resolve().name, *home.relative_to(folder).parts)
    if split.pictures == home and folder_name(recipe.name) not in map(folder_name, called):
        note(f"{recipe.name}: {len(found.pictures):,} pictures of {home}, which is not called so")
    rows = _of_pictures(found.pictures, beside, captions, split.pictures, recipe, note)
    return renamed(rows, recipe)


def home_of(recipe: DataRecipe, folder: Path) -> Path:
    """The folder of a dataset: the one of its name in `folder`, or `folder`, without wrapping."""
    inside = folder / recipe.name
    return unwrapped(inside if inside.is_dir() else folder)


def _captions(pictures: Iterable[Path], others: Iterable[Path]) -> dict[Path, Path]:
    """The files with captions, by their pictures."""
    texts = {path.with_suffix(""): path for path in others if path.suffix.lower() == CAPTION}
    found = ((picture, texts.get(picture.with_suffix(""))) for picture in pictures)
    return {picture: text for picture, text in found if text is not None}


def _of_pictures(
    files: Sequence[Path],
    beside: Sequence[Path],
    captions: Mapping[Path, Path],
    root: Path,
    recipe: DataRecipe,
    note: Callable[[str], None],
) -> Iterator[Row]:
    """Pictures, labelled by the folder below the root that they lie in, and by what lies beside."""
    labelled = any(len(file.relative_to(root).parts) > 1 for file in files)
    further: Mapping[Path, Mapping[str, object]] = {}
    if beside:
        further = read_metadata(beside, files, root)
        without = len(files) - len(further)
        if without:
            note(f"{recipe.name}: {without:,} pictures are left out, which no metadata names")
        files = [file for file in files if file in further]
    for file in files:
        cells: dict[str, object] = {}
        if labelled:
            place = file.relative_to(root).parts
            cells[LABEL] = place[0] if len(place) > 1 else None
        if captions:  # where some have one, the others have none to say
            cells[TEXT] = _caption(captions[file]) if file in captions else ""
        yield Row(str(file), partial(read_content, file), cells | dict(further.get(file, {})))


def _caption(file: Path) -> str:
    try:
        return as_text(read_bytes(file, MAX_CAPTION), str(file))
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def _of_shards(files: Sequence[Path], home: Path, recipe: DataRecipe) -> Iterator[Row]:
    from datasets import Features
    from pyarrow.parquet import ParquetFile

    first: list[str] = []
    for path in files:
        if path.suffix.lower() == ".tar":
            yield from rows_of_tar(path)
            continue
        with open_regular(path) as content, ParquetFile(content) as file:
            features = Features.from_arrow_schema(file.schema_arrow)
            first = first or list(features)
            if sorted(features) != sorted(first):
                other = f"{', '.join(features)}, other files {', '.join(first)}"
                raise DataError(f"{path} has the columns {other}")
            chunks = (batch.to_pydict() for batch in file.iter_batches(batch_size=1000))
            yield from rows_of_table(chunks, features, recipe, str(path), (path.parent, home))


def rows_of_table(
    chunks: Iterable[Mapping[str, list[Any]]],
    features: Mapping[str, Any],
    recipe: DataRecipe,
    where: str,
    folders: Sequence[Path],
    number: int = 0,
) -> Iterator[Row]:
    """The rows of a table, some at a time as lists by the name of their column.

    Where a row says a path alone, its picture may lie in the `folders`; the path leads from the
    first of them. `number` is that of the first row.
    """
    names = (recipe.image, *USUAL[IMAGE]) if recipe.image == IMAGE else (recipe.image,)
    image = next((name for name in names if name in features), None)
    if image is None:
        there = ", ".join(features) or "none"
        raise DataError(f"{where} has no column {recipe.image!r}; its columns are {there}")
    for chunk in chunks:
        columns = {n: _named(chunk[n], features[n]) for n in features if n != image}
        for cells in zip(chunk[image], *columns.values(), strict=True):
            place = f"image {number} of {where}"
            read = partial(_content, cells[0], place, folders)
            yield Row(place, read, dict(zip(columns, cells[1:], strict=True)))
            number += 1


def _named(values: list[Any], feature: object) -> list[Any]:
    """Names in place of the ids of classes: another data set, or a recipe, may number otherwise.

    An id that has no name, as -1 on the Hub for what is not known, is None.
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


def renamed(rows: Iterator[Row], recipe: DataRecipe) -> Iterator[Row]:
    """The rows with the names of columns that recipes use.

    Raises:
        DataError: The first row has no column that the recipe names.
    """
    names: dict[str, str] | None = None
    for row in rows:
        if names is None:
            names = _names(row.cells, recipe)
        yield row._replace(cells={names.get(name, name): row.cells[name] for name in row.cells})


def _names(columns: Collection[str], recipe: DataRecipe) -> dict[str, str]:
    """What columns are called instead: those that the recipe names, and those of usual names."""
    for name in recipe.columns.values():
        if name not in columns:
            there = ", ".join(columns) or "none"
            raise DataError(f"{recipe.name} has no column {name!r}; it has {there}")
    names = {there: wanted for wanted, there in recipe.columns.items()}
    for wanted in (LABEL, TEXT):
        usual = next((name for name in USUAL[wanted] if name in columns), wanted)
        if wanted not in recipe.columns and usual not in names:
            names[usual] = wanted
    # A column whose own name another takes gives way to it.
    return names | {n: f"{n} (as it is)" for n in columns if n in names.values() and n not in names}


def rows_of_hub(recipe: DataRecipe) -> Iterator[Row]:
    """The rows of the recipe's dataset on the Hub, from its cache where it is there.

    Raises:
        DataError: It cannot be had.
    """
    folder = f"give a folder that holds {recipe.name}: --data DIR, or GENZOO_DATA"
    if not recipe.hub:
        raise DataError(f"no data for {recipe.name}", folder)
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:
        check_hub(recipe.hub, folder)
    from datasets import Image, config, load_dataset

    try:
        rows = load_dataset(recipe.hub, split=recipe.split)
    except Exception as error:
        reason = one_line(error)
        raise DataError(f"cannot load {recipe.hub} from the Hub: {reason}", folder) from error
    features = rows.features
    for name, feature in features.items():
        if isinstance(feature, Image):
            rows = rows.cast_column(name, Image(decode=False))
    caches = (Path(HF_HUB_CACHE), Path(config.HF_DATASETS_CACHE))
    chunks = rows.to_iterable_dataset().iter(batch_size=1000)
    return renamed(
        rows_of_table(chunks, features, recipe, f"the Hub's {recipe.hub}", caches), recipe
    )


def check_hub(name: str, folder: str) -> None:
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
