"""Images as numbers: rounding, layout, conversion."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from genzoo_core import UsageError
from genzoo_core.images import from_pil, from_uint8, grid, to_pil, to_uint8


def test_every_uint8_survives_the_way_there_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(from_uint8(values)), values)
    assert from_uint8(values)[[0, 255]].tolist() == [-1, 1]


def test_values_are_rounded_and_clamped_not_truncated() -> None:
    # 0.999 lies at 254.87: truncation gives 254.
    assert to_uint8(torch.tensor([0.999, -7.0, 7.0, 0.0])).tolist() == [255, 0, 255, 128]


def test_grid_lays_rows_out_with_white_lines() -> None:
    pictures = torch.stack([torch.full((1, 2, 2), i, dtype=torch.uint8) for i in range(3)])
    canvas = grid(pictures, columns=2, gap=1)
    assert canvas.tolist() == [
        [
            [0, 0, 255, 1, 1],
            [0, 0, 255, 1, 1],
            [255, 255, 255, 255, 255],
            [2, 2, 255, 255, 255],
            [2, 2, 255, 255, 255],
        ]
    ]
    assert grid(pictures.float(), columns=3, gap=1).max() == 2


def test_pil_images_come_and_go_unchanged() -> None:
    pixels = torch.arange(2 * 3 * 3, dtype=torch.uint8).reshape(3, 2, 3)
    image = to_pil(pixels)
    assert image.mode == "RGB"
    assert torch.equal(from_pil(image, (3, 2, 3)), pixels)


def test_transparency_is_laid_on_the_background_and_sizes_are_averaged() -> None:
    clear = Image.new("RGBA", (4, 4), (9, 9, 9, 0))
    assert from_pil(clear, (1, 2, 2), background=255).unique().tolist() == [255]
    assert from_pil(clear, (1, 2, 2), background=0).unique().tolist() == [0]
    halves = Image.new("L", (2, 1), 0)
    halves.putpixel((1, 0), 200)
    assert from_pil(halves, (1, 1, 1)).item() == 100


@pytest.mark.parametrize("channels", [2, 4])
def test_a_picture_file_has_one_channel_or_three(channels: int) -> None:
    with pytest.raises(UsageError, match=f"no picture file has {channels} channels"):
        from_pil(Image.new("RGBA", (2, 2)), (channels, 2, 2))
