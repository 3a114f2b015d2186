"""Figures of the pictures themselves."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from genzoo_core.images import from_uint8
from genzoo_eval.metrics.images import mean_squared_error, peak_signal_to_noise, sharpness


def test_reconstruction_errors_by_hand_for_each_image() -> None:
    images = torch.zeros(3, 1, 4, 4)
    reconstructions = torch.stack([images[0] + 0.2, images[1] - 0.02, images[2]])
    errors = mean_squared_error(images, reconstructions)
    assert errors.tolist() == pytest.approx([0.04, 0.0004, 0])
    # 10 log10(4 / 0.04) and 10 log10(4 / 0.0004)
    decibels = peak_signal_to_noise(images, reconstructions)
    assert decibels.tolist() == pytest.approx([20, 40, torch.inf], rel=1e-6)


def test_one_grey_level_off_is_48_decibels() -> None:
    # 20 log10(255), as on the scale of 0–255.
    levels = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    decibels = peak_signal_to_noise(from_uint8(levels), from_uint8(levels + 1))
    assert decibels.item() == pytest.approx(48.1308, abs=1e-3)


def test_sharpness_is_the_variance_of_scipys_laplacian() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (4, 1, 9, 7), generator=generator, dtype=torch.uint8)
    expected = [ndimage.laplace(grey[0].double().numpy(), mode="mirror").var() for grey in levels]
    assert sharpness(from_uint8(levels)).tolist() == pytest.approx(expected, rel=1e-5)


def test_blurring_takes_sharpness_and_a_plain_picture_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(5, 3, 16, 16, generator=generator) * 2 - 1
    blurred = F.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    assert (sharpness(blurred) < sharpness(images) / 4).all()
    assert sharpness(torch.full((1, 1, 8, 8), 0.3)).item() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        sharpness(torch.zeros(1, 2, 8, 8))


def test_a_grey_picture_is_as_sharp_in_colour() -> None:
    grey = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sharpness(grey.expand(2, 3, 8, 8)), sharpness(grey))
