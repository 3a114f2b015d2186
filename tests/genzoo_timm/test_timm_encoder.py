"""A backbone as an encoder: timm's own features of images that are prepared as timm says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from timm_cases import build, images, peer

import genzoo
from genzoo_core import ConfigError
from genzoo_core.testing import check_component
from genzoo_timm.backbones import find_backbone

SHAPE = [3, 32, 32]
BACKBONES: list[tuple[str, dict[str, Any]]] = [
    ("resnet18", {}),
    ("mobilenetv3_small_050", {}),
    ("vit_tiny_patch16_224", {"size": 32}),
    ("test_efficientnet", {"size": 48}),
    ("test_byobnet", {}),
    # Its tables of relative positions are not in timm's files.
    ("swin_tiny_patch4_window7_224", {"size": 56}),
]


@pytest.mark.parametrize(("name", "config"), BACKBONES)
def test_features_are_timms_own_of_the_same_normalised_input(
    name: str, config: dict[str, Any]
) -> None:
    encoder = build(name, shape=SHAPE, **config)
    # After ours, which makes it importable beside any build of torch.
    from torchvision.transforms.v2 import functional as transforms

    size = config.get("size", 32)
    other = peer(name, num_classes=0, **({"img_size": size} if find_backbone(name).fixed else {}))
    other.load_state_dict(encoder.backbone.state_dict(), strict=False)
    x = images(2, (3, 32, 32))
    cfg = other.pretrained_cfg
    mode = getattr(transforms.InterpolationMode, cfg["interpolation"].upper())
    resized = transforms.resize((x + 1) / 2, [size, size], mode, antialias=True)
    with torch.no_grad():
        expected = other(transforms.normalize(resized, cfg["mean"], cfg["std"]))
        found = encoder.encode(x)
    assert found.std is None
    assert found.mean.shape == (2, *encoder.latent_shape)
    torch.testing.assert_close(found.mean, expected)


def test_black_and_white_are_normalised_by_hand() -> None:
    # ImageNet's mean and deviation of red: white is (1 - 0.485) / 0.229, black -0.485 / 0.229.
    prepare = build("resnet18", shape=SHAPE).preparation
    black, white = (prepare(torch.full((1, 3, 32, 32), level)) for level in (-1.0, 1.0))
    assert black[0, 0, 0, 0].item() == pytest.approx(-2.1179, abs=1e-4)
    assert white[0, 0, 0, 0].item() == pytest.approx(2.2489, abs=1e-4)
    # Inception's: [-1, 1] stays as it is.
    assert build("vit_tiny_patch16_224.augreg_in21k_ft_in1k", size=32).preparation(
        torch.full((1, 1, 32, 32), -0.3)
    ).unique().tolist() == pytest.approx([-0.3])


def test_grey_images_have_one_channel_where_a_backbone_starts_from_nothing() -> None:
    encoder = build("resnet18", shape=[1, 28, 28])
    assert encoder.backbone.conv1.in_channels == 1
    # The mean of 0.485, 0.456, 0.406, and of 0.229, 0.224, 0.225.
    assert encoder.preparation(torch.full((1, 1, 4, 4), -1.0))[0, 0, 0, 0].item() == pytest.approx(
        -0.449 / 0.226
    )


def test_grey_images_are_shown_as_colours_to_a_pretrained_backbone() -> None:
    encoder = build("resnet18", shape=[1, 28, 28], pretrained=True)
    assert encoder.backbone.conv1.in_channels == 3
    seen = encoder.preparation(torch.full((1, 1, 28, 28), 1.0))
    assert seen.shape == (1, 3, 224, 224)
    assert seen[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    )


def test_images_are_resized_where_a_backbone_does_not_take_them_as_they_are() -> None:
    for name, shape, size in (
        ("test_resnet", (1, 36, 40), (36, 40)),
        ("test_resnet", (1, 28, 28), (32, 32)),  # it halves them five times
        ("test_vit", (1, 28, 28), (160, 160)),  # its positions are for these alone
        ("halonet50ts", (1, 28, 28), (256, 256)),  # its smallest, as timm says
    ):
        preparation = build(name, shape=shape).preparation
        assert preparation(images(1, shape)).shape[2:] == size


def test_a_mistyped_backbone_is_told_what_it_may_mean() -> None:
    with pytest.raises(ConfigError, match=r"no backbone 'resnet81'.*did you mean.*resnet18"):
        build("resnet81")
    with pytest.raises(ConfigError, match=r"no weights 'a1_in1' of resnet18.*resnet18\.a1_in1k"):
        build("resnet18.a1_in1")


@pytest.mark.parametrize(
    "name", ["hf-hub:timm/resnet18.a1_in1k", "local-dir:.", "../resnet18", "", "resnet*"]
)
def test_a_file_cannot_make_timm_read_from_elsewhere(name: str) -> None:
    with pytest.raises(ConfigError, match="no backbone"):
        build(name)


def test_a_size_that_does_not_fit_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"cannot be built for images of 1×16×16.*another size"):
        build("convnext_atto", size=16)


def test_a_pretrained_backbone_refuses_channels_that_its_weights_do_not_have() -> None:
    with pytest.raises(ConfigError, match="3 channels, not 4"):
        build("resnet18", shape=[4, 32, 32], pretrained=True)


@pytest.mark.parametrize(("name", "config"), BACKBONES)
def test_it_keeps_to_the_interface_and_comes_back_from_a_file(
    name: str, config: dict[str, Any]
) -> None:
    given = {"backbone": name, "shape": [3, 32, 32], **config}
    check_component(genzoo.open_zoo(no_plugins=True), "encoder", "genzoo/timm", given)
