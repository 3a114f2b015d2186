"""A folder with one PNG per picture, each with its own record."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from genzoo.files.writing import put
from genzoo.run.outputs.png import picture_png
from genzoo_core.atomic import beside
from genzoo_core.errors import GenzooError
from genzoo_core.pictures import Pictures


def write_folder(path: Path, pictures: Pictures) -> None:
    """Write the pictures as 0000.png, 0001.png, … in the order of the run.

    A new folder appears whole. In one that exists, files of the same names are replaced.

    Raises:
        GenzooError: It cannot be written.
    """
    if path.exists():
        _fill(path, pictures)
        return
    temporary = beside(path)
    try:
        temporary.mkdir()
        _fill(temporary, pictures)
        temporary.replace(path)
    except OSError as error:
        raise GenzooError(f"cannot write {path}: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(folder: Path, pictures: Pictures) -> None:
    first = (pictures.record.pictures or (0, 0))[0]
    width = max(4, len(str(first + len(pictures.images) - 1)))
    for index, image in enumerate(pictures.images, first):
        record = msgspec.structs.replace(pictures.record, pictures=(index, index + 1))
        put(folder / f"{index:0{width}d}.png", picture_png(image, record))
