"""Published weights: for a training alone, from the cache where they are, never as a pickle."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from timm_cases import build, images, no_hub, publish

from genzoo_core import ConfigError, HubError, IntegrityError
from genzoo_timm.backbones import find_backbone
from genzoo_timm.pretrained import weights_of

NAME = "test_resnet"


def test_a_training_starts_from_published_weights_that_are_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_hub(monkeypatch, tmp_path)
    published = publish(tmp_path, NAME)
    encoder = build(NAME, shape=[3, 32, 32], pretrained=True, training=True)
    x = images(2, (3, 32, 32))
    with torch.no_grad():
        seen = published.forward_features(encoder.preparation(x))
        expected = published.forward_head(seen, pre_logits=True)
        torch.testing.assert_close(encoder.encode(x).mean, expected)


FETCH = f"""
from genzoo_timm.backbones import find_backbone
from genzoo_timm.pretrained import weights_of
found = find_backbone({NAME!r})
print(weights_of(found) == weights_of(found), weights_of(found))
"""


def test_they_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "genzoo_hub"))
    from hub_server import Hub

    publish(tmp_path / "other", NAME)
    (file,) = tmp_path.rglob("model.safetensors")
    with Hub() as hub:
        hub.add(find_backbone(NAME).repository, {"model.safetensors": file.read_bytes()})
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        told = subprocess.run(
            [sys.executable, "-c", FETCH],
            env={**os.environ, **there},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert hub.downloads() == 1
    assert told[0] == "True"
    assert Path(told[1]).read_bytes() == file.read_bytes()


def test_a_hub_sends_no_more_than_it_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "genzoo_hub"))
    from hostile_hub import HostileHub

    with HostileHub({"model.safetensors": bytes(1000)}, "model for ever") as hub:
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", FETCH],
            env={**os.environ, **there},
            capture_output=True,
            text=True,
            check=False,
        )
    assert "more than the 1,000 bytes that it promised" in done.stderr
    assert not list(tmp_path.rglob("*.incomplete"))


def test_without_them_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_hub(monkeypatch, tmp_path)
    with pytest.raises(HubError, match=r"not on this machine.*hf download timm/.*pretrained") as e:
        build(NAME, pretrained=True, training=True)
    assert "\n" not in str(e.value)


def test_what_is_not_trained_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_hub(monkeypatch, tmp_path)
    encoder = build(NAME, shape=[3, 32, 32], pretrained=True, training=False)
    # Its weights are those of the model's file, which are yet to come.
    assert encoder.encode(images(2, (3, 32, 32))).mean.shape == (2, *encoder.latent_shape)


def test_a_file_that_is_not_what_the_hub_promised_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_hub(monkeypatch, tmp_path)
    publish(tmp_path, NAME)
    (file,) = tmp_path.rglob("model.safetensors")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    blobs = file.parents[2] / "blobs"
    blobs.mkdir()
    blob = file.rename(blobs / digest)
    file.symlink_to(blob)
    assert weights_of(find_backbone(NAME)) == file
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError, match="promised"):
        weights_of(find_backbone(NAME))


def test_a_backbone_whose_weights_nobody_published_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no weights of halonet_h1"):
        build("halonet_h1", pretrained=True, training=True)
