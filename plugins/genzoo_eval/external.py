"""Pictures that were made elsewhere: an .npz file, or a folder of picture files."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genzoo_core.errors import UsageError
from genzoo_core.images import from_pil
from genzoo_core.picture_files import decode, find_pictures, left_out, read_content
from genzoo_core.reading import open_regular
from genzoo_core.recipe import DataRecipe
from genzoo_eval.report import Subject
from genzoo_eval.settings import LAYOUT

if TYPE_CHECKING:
    import numpy as np

HINT = "`genzoo run -o x.npz` writes such"
MAX_INFLATED = 2**33
"""Bytes of the arrays in a file: more are not read, however few they are compressed to."""


@dataclass(frozen=True)
class ExternalImages:
    """Images that were made elsewhere.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        labels: Ids of the classes that they were made for, int64 `[N]`, or None.
    """

    subject: Subject
    images: Tensor
    labels: Tensor | None = None

    @classmethod
    def read(
        cls, path: Path, data: DataRecipe, tell: Callable[[str], None] = lambda _: None
    ) -> ExternalImages:
        """Read an .npz file, or a folder of picture files and folders of such.

        A file has `images`, uint8 `[N, H, W, C]` or `[N, H, W]`, perhaps integer `labels` `[N]`.

        Raises:
            UsageError: There is nothing there, or it holds something else.
        """
        shape = data.shape
        images = _read_folder(path, data, tell) if path.is_dir() else _read_file(path)
        found = tuple(images.images.shape[1:])
        if found != shape:
            in_file = (*found[1:], found[0])
            raise UsageError(
                f"the images of {path} are {_sizes(found)}, {_sizes(shape)} are wanted",
                f"{LAYOUT}: the channels come last" if in_file == shape else None,
            )
        return images

    def check_labels(self, classes: int) -> None:
        """Raise a `UsageError` where there are labels that are no ids of so many classes."""
        labels = self.labels
        if labels is not None and bool(((labels < 0) | (labels >= classes)).any()):
            name = self.subject.name
            raise UsageError(f"the labels of {name} are not from 0 to {classes - 1}")

    def unconditional(self, n: int, seed: int) -> Tensor:
        """`n` images, drawn with the seed."""
        return self.images[self._draw(n, seed)]

    def of_classes(self, n: int, seed: int, classes: int) -> tuple[Tensor, Tensor] | None:
        """`n` images, drawn with the seed, with their labels."""
        rows = self._draw(n, seed)
        return None if self.labels is None else (self.images[rows], self.labels[rows])

    def _draw(self, n: int, seed: int) -> Tensor:
        """Rows of `n` images in their order; the first ones would be of one class, often."""
        order = torch.randperm(len(self.images), generator=torch.Generator().manual_seed(seed))
        return order[:n].sort().values


def shape_of(path: Path) -> tuple[int, int, int]:
    """(C, H, W) of pictures that were made elsewhere: of a folder, that of its first one.

    Raises:
        UsageError: There is nothing there, or it holds something else.
    """
    if not path.is_dir():
        channels, height, width = _read_file(path).images.shape[1:]
        return channels, height, width
    files = find_pictures(path).pictures
    if not files:
        raise UsageError(f"{path} holds no pictures")
    image = decode(read_content(files[0]), str(files[0]))
    return (1 if image.mode == "L" else 3), image.height, image.width


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _read_file(path: Path) -> ExternalImages:
    import numpy as np

    data, found = _arrays(path)
    images, labels = found.get("images"), found.get("labels")
    if images is None or images.dtype != np.uint8 or images.ndim not in (3, 4):
        there = "no `images`"
        if images is not None:
            there = f"`images` of {images.dtype} {list(images.shape)}"
        raise UsageError(f"{path} holds {there}; {LAYOUT} are wanted", HINT)
    pictures = torch.from_numpy(images if images.ndim == 4 else images[..., None])
    if labels is not None and (
        labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer)
    ):
        raise UsageError(f"the `labels` of {path} are not {len(images)} whole numbers")
    return ExternalImages(
        Subject(str(path), hashlib.sha256(data).hexdigest()),
        pictures.permute(0, 3, 1, 2).contiguous(),
        None if labels is None else torch.from_numpy(labels.astype(np.int64)),
    )


def _arrays(path: Path) -> tuple[bytes, dict[str, np.ndarray]]:
    """The file's bytes, and its arrays; nothing in it is unpickled."""
    import numpy as np

    try:
        with open_regular(path) as file:
            data = file.read()
        # numpy takes what is no archive for a pickle.
        if not zipfile.is_zipfile(io.BytesIO(data)):
            raise UsageError(f"{path} is no .npz file", HINT)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inflated = sum(member.file_size for member in archive.infolist())
        if inflated > MAX_INFLATED:
            raise UsageError(f"{path} inflates to {inflated:,} bytes, over {MAX_INFLATED:,}")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a shape that no array can have
            found = {name: arrays[name] for name in ("images", "labels") if name in arrays}
        for name, array in found.items():
            if not isinstance(array, np.ndarray):  # numpy gives other members as bytes
                raise UsageError(f"{name} in {path} is no array", HINT)
        return data, found
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except UsageError:
        raise
    except Exception as error:  # whatever numpy and zipfile raise on a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UsageError(f"{path} cannot be read as an .npz file: {reason}") from error


def _read_folder(path: Path, data: DataRecipe, tell: Callable[[str], None]) -> ExternalImages:
    found = find_pictures(path)
    note = left_out(found.others)
    if not found.pictures:
        raise UsageError(f"{path} holds no pictures", note or None)
    if note:
        tell(note)
    digest = hashlib.sha256()
    pictures: list[Tensor] = []
    _, height, width = data.shape
    for file in found.pictures:
        content = read_content(file)
        image = decode(content, str(file))
        if image.size != (width, height):
            wanted = f"{width}×{height} pixels are wanted"
            raise UsageError(f"{file} has {image.width}×{image.height}; {wanted}")
        digest.update(hashlib.sha256(content).digest())
        pictures.append(from_pil(image, data.shape, data.background))
    return ExternalImages(Subject(str(path), digest.hexdigest()), torch.stack(pictures))
