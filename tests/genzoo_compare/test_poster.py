"""The picture of a comparison."""

from __future__ import annotations

import dataclasses
import io

import pytest
import torch
from comparison_cases import comparison
from PIL import Image

from genzoo_compare.poster import as_png, milliseconds
from genzoo_core import UsageError
from genzoo_core.images import from_pil


def pixels(png: bytes) -> torch.Tensor:
    """uint8 `[H, W, 3]`."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "RGB"
        return from_pil(image, (3, image.height, image.width)).permute(1, 2, 0)


def holds(canvas: torch.Tensor, picture: torch.Tensor) -> list[tuple[int, int]]:
    """Where a grey picture `[H, W]`, each pixel twice as high and wide, lies in the canvas."""
    large = picture.repeat_interleave(2, 0).repeat_interleave(2, 1)
    height, width = large.shape
    grey = canvas[..., 0]
    rows, columns = grey.shape[0] - height, grey.shape[1] - width
    begins = torch.ones(rows, columns, dtype=torch.bool)
    for dy, dx in ((0, 0), (0, 2), (2, 0), (2, 2)):
        begins &= grey[dy : dy + rows, dx : dx + columns] == large[dy, dx]
    return [
        (y, x)
        for y, x in begins.nonzero().tolist()
        if torch.equal(grey[y : y + height, x : x + width], large)
    ]


def test_each_model_has_a_line_with_its_own_pictures() -> None:
    found = comparison()
    canvas = pixels(as_png(found))
    middle = canvas.shape[1] // 2 + 100
    tops = []
    for row in found.rows:
        assert row.gallery is not None
        first, second = (
            holds(canvas[:, :middle], picture[0]) for picture in row.gallery.samples[:2]
        )
        ((top, x),) = first
        assert second == [(top, x + 2 * 28 + 4)]
        for index, (_, images) in enumerate(row.gallery.prompted):
            # Other models have some of the same pictures, in their lines.
            places = holds(canvas[:, middle:], images[0, 0])
            assert [x // 60 for y, x in places if y == top] == [index]
        tops.append(top)
    assert tops == sorted(tops)
    assert len(set(tops)) == len(found.rows)


def test_names_have_the_colours_of_their_families_and_the_command_is_told() -> None:
    png = as_png(comparison())
    canvas = pixels(png)
    # The blue of autoencoders, as the page has it, in the column of names.
    blue = torch.tensor([0x00, 0x60, 0xA0], dtype=torch.uint8)
    assert (canvas[:, :250] == blue).all(-1).any()
    with Image.open(io.BytesIO(png)) as image:
        assert image.info["Description"].startswith("drawn by: genzoo compare")


def test_without_pictures_there_is_nothing_to_draw() -> None:
    found = comparison()
    bare = tuple(dataclasses.replace(row, gallery=None) for row in found.rows)
    with pytest.raises(UsageError, match="no pictures"):
        as_png(dataclasses.replace(found, rows=bare))


def test_real_images_of_captions_stand_above_what_was_asked_for() -> None:
    real = torch.arange(10 * 28 * 28).reshape(10, 1, 28, 28).remainder(251).to(torch.uint8)
    found = dataclasses.replace(comparison(), captioned=real)
    canvas = pixels(as_png(found))
    left = canvas.shape[1] // 2 + 100
    (first,) = holds(canvas[:, left:], real[0, 0])
    (last,) = holds(canvas[:, left:], real[9, 0])
    assert last == (first[0], first[1] + 9 * (2 * 28 + 4))
    plain = pixels(as_png(comparison()))
    assert not holds(plain[:, left:], real[0, 0])
    # Ten short captions are told in one line at the foot, in letters of a grey.
    assert canvas.shape[0] == plain.shape[0] + 20
    foot = canvas[-58:-38]
    assert (foot < 200).any()
    assert (plain[-58:-38] == 255).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0213, "0.021 ms"), (1.249, "1.2 ms"), (54.6, "55 ms"), (1140.0, "1,140 ms")],
)
def test_milliseconds_are_written_out(value: float, text: str) -> None:
    assert milliseconds(value) == text
