"""The pictures of a comparison, kind by kind, so that models stand side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from genzoo_eval.comparing.comparison import Comparison, Gallery, Row
from genzoo_eval.comparing.families import css_name, look
from genzoo_eval.comparing.png import Sheet, above, sheet


@dataclass(frozen=True)
class Frame:
    """What one model made.

    Attributes:
        name: The model's.
        family: The title of its family; "" for real pictures.
        css: The family's class.
        sheets: The pictures, each sheet with its label, or "" for one that needs none.
    """

    name: str
    family: str
    css: str
    sheets: tuple[tuple[str, Sheet], ...]


@dataclass(frozen=True)
class Wall:
    """Pictures of one kind of all models that made some.

    Attributes:
        id: Of the part of the page.
        title: Of the kind.
        text: What is to be seen.
        frames: A frame for each model.
        wide: Whether a frame needs the room of two.
    """

    id: str
    title: str
    text: str
    frames: tuple[Frame, ...]
    wide: bool = False


def walls(comparison: Comparison) -> tuple[Wall, ...]:
    """The kinds of pictures that there are."""
    pairs = [(row, row.gallery) for row in comparison.rows if row.gallery is not None]
    real = comparison.real
    first = () if real is None else (Frame("test images", "", "real", (("", _real(comparison)),)),)
    found = (
        Wall(
            "samples",
            "Without a prompt",
            "Not picked: seeds 0, 1, 2 and so on. Real test images come first.",
            (*first, *(_frame(row, ("", _samples(row, g))) for row, g in pairs)) if pairs else (),
        ),
        _asked(comparison, pairs),
        Wall(
            "reconstructions",
            "Reconstructed",
            "Test images above, and below what is left of them after encoding and decoding. "
            "Models that cannot encode are not shown.",
            tuple(_frame(row, ("", s)) for row, g in pairs if (s := _copies(row, g))),
            wide=True,
        ),
        Wall(
            "walks",
            "From one picture to another",
            "The noise of one seed turns into that of another, in even steps.",
            tuple(_frame(row, ("", s)) for row, g in pairs if (s := _walk(row, g))),
            wide=True,
        ),
        Wall(
            "neighbours",
            "Beside the nearest training images",
            "Generated pictures above, and below each the training image that is nearest to it in "
            "a feature net: equal pairs would mean that the model remembers.",
            tuple(_frame(row, ("", s)) for row, g in pairs if (s := _neighbours(row, g))),
            wide=True,
        ),
    )
    return tuple(wall for wall in found if wall.frames)


def _asked(comparison: Comparison, pairs: list[tuple[Row, Gallery]]) -> Wall:
    frames = tuple(_frame(row, *_classes(row, g)) for row, g in pairs if g.classes)
    if comparison.captioned is None:
        text = "A row for each class, ten pictures each."
        return Wall("classes", "Asked for a class", text, frames)
    text = (
        "A row for each caption, ten pictures each. Not picked: the first half are captions of the "
        "training images, the others no training image has. Real images of them come first."
    )
    n = len(comparison.captioned)
    real = sheet(comparison.captioned, n, f"A real image of each of {n} captions")
    first = (Frame("real images", "", "real", (("", real),)),) if frames else ()
    return Wall("classes", "Asked in words", text, (*first, *frames))


def few(row: Row, n: int = 8) -> Sheet | None:
    """The first of a model's pictures in one row."""
    if row.gallery is None or not len(row.gallery.samples):
        return None
    images = row.gallery.samples[:n]
    return sheet(images, len(images), f"{len(images)} pictures that {row.name} made")


def _frame(row: Row, *sheets: tuple[str, Sheet]) -> Frame:
    return Frame(row.name, look(row.family).title, css_name(row.family), sheets)


def _side(n: int) -> int:
    return max(1, round(math.sqrt(n)))


def _real(comparison: Comparison) -> Sheet:
    assert comparison.real is not None
    n = len(comparison.real)
    return sheet(comparison.real, _side(n), f"{n} real test images of {comparison.dataset}")


def _samples(row: Row, gallery: Gallery) -> Sheet:
    n = len(gallery.samples)
    return sheet(gallery.samples, _side(n), f"{n} pictures that {row.name} made without a prompt")


def _classes(row: Row, gallery: Gallery) -> tuple[tuple[str, Sheet], ...]:
    return tuple(
        (name, sheet(images, len(images), f"{row.name}, asked for {name}"))
        for name, images in gallery.classes
    )


def _copies(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.originals is None or gallery.copies is None:
        return None
    alt = f"Test images above what {row.name} makes of them by encoding and decoding"
    return above(gallery.originals, gallery.copies, alt)


def _walk(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.walk is None:
        return None
    alt = f"A walk from one picture of {row.name} to another in {len(gallery.walk)} steps"
    return sheet(gallery.walk, len(gallery.walk), alt)


def _neighbours(row: Row, gallery: Gallery) -> Sheet | None:
    if gallery.neighbours is None:
        return None
    alt = f"Pictures of {row.name} above the training images that are nearest to them"
    return above(gallery.samples, gallery.neighbours, alt)
