"""Folders that are sound, and whose weights or pipelines are not what genzoo runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folders import edit

import genzoo
from genzoo_core import GenzooError

UNET = "unet/config.json"


@pytest.mark.parametrize(
    ("file", "changes", "says"),
    [
        (UNET, {"layers_per_block": 2}, "unet, a UNet2DConditionModel: "),
        (UNET, {"cross_attention_dim": 32}, "unet, a UNet2DConditionModel: "),
        (UNET, {"block_out_channels": "big"}, "unet, a UNet2DConditionModel: "),
        ("text_encoder/config.json", {"num_hidden_layers": 3}, "text_encoder of "),
        (
            "model_index.json",
            {"_class_name": "StableDiffusionUpscalePipeline"},
            "low_res_scheduler",
        ),
        ("model_index.json", {"_class_name": "TextToVideoSDPipeline"}, "videos"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": "many"}, "scheduler"),
    ],
)
def test_what_does_not_load_is_one_line(
    checkpoint: Callable[[str], Path], tmp_path: Path, file: str, changes: dict[str, Any], says: str
) -> None:
    folder = Path(shutil.copytree(checkpoint("sd"), tmp_path / "mine"))
    edit(folder / file, **changes)
    with pytest.raises(GenzooError) as caught:
        genzoo.load(folder)
    text = str(caught.value)
    assert says in text
    assert "\n" not in text
    assert len(text) < 800
