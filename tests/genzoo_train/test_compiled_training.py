"""`compile = true` in a recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_training import RECIPE, train

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler"),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    torch.compiler.reset()


GAN = """component = "genzoo/gan"

[model.config]
shape = [1, 8, 8]
latent = 4
network = { type = "mlp", hidden = 8 }
loss = "relativistic"
penalty = { type = "zero-centred" }
"""
"""With gradients of gradients."""


def recipe_of(model: str) -> str:
    head, _, tail = RECIPE.partition('component = "genzoo/diffusion"')
    return head + model + tail[tail.index("[[stages]]") :].replace("denoising", "adversarial")


@pytest.mark.parametrize("recipe", [RECIPE, recipe_of(GAN)], ids=["diffusion", "gan"])
def test_weights_are_the_same_but_for_rounding(recipe: str, tmp_path: Path) -> None:
    found = []
    for compiled in ("false", "true"):
        folder = tmp_path / compiled
        folder.mkdir()
        assert train(folder, "--set", f"compile={compiled}", recipe=recipe) == 0
        found.append(load_file(folder / "run" / "checkpoint.safetensors"))
    plain, compiled = found
    assert set(plain) == set(compiled)
    for name, tensor in plain.items():
        torch.testing.assert_close(compiled[name], tensor, rtol=1e-3, atol=1e-5)
