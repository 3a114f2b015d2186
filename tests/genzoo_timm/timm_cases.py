"""What the tests of backbones share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import Tensor, nn

import genzoo
from genzoo_core import ModelSpec, SampleRng
from genzoo_timm.backbones import find_backbone
from genzoo_timm.encoder import TimmEncoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def build(backbone: str, *, training: bool = False, **config: Any) -> TimmEncoder:
    """An encoder with fresh weights, in evaluation mode."""
    spec = ModelSpec("genzoo/timm", {"backbone": backbone, **config}, "encoder")
    module = genzoo.open_zoo(no_plugins=True).build(spec, training=training).module
    assert isinstance(module, TimmEncoder)
    return module.eval()


def peer(backbone: str, **options: Any) -> nn.Module:
    """timm's own model, in evaluation mode, after ours has made timm importable."""
    find_backbone(backbone)
    import timm

    network: nn.Module = timm.create_model(backbone, **options)
    return network.eval()


def images(n: int, shape: tuple[int, ...]) -> Tensor:
    """Images `[n, *shape]` in [-1, 1]."""
    return SampleRng(range(n)).normal(shape, torch.empty(0)).clamp(-1, 1)


def publish(cache: Path, backbone: str) -> nn.Module:
    """Put weights into a cache of the Hub as a download does; gives the network that has them."""
    torch.manual_seed(5)
    network = peer(backbone)
    home = cache / f"models--{find_backbone(backbone).repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    save_file(network.state_dict(), snapshot / "model.safetensors")
    return network


def no_hub(monkeypatch: Any, cache: Path) -> None:
    """The Hub's client looks into `cache`, and asks where nobody answers."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
