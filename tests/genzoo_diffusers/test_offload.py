"""Weights that wait on the CPU change nothing but memory.

There may be no other device here: where weights wait and where they compute is the CPU then, and
what is offloaded layer by layer has no values in between.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import accelerate
import pytest
import torch
from torch import Tensor

import genzoo
from genzoo.cli import main
from genzoo_core import Offloadable, SampleRng, Start, UsageError

Checkpoint = Callable[[str], Path]
Mode = Literal["model", "sequential"]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MODES: list[Mode] = ["model", "sequential"]


@pytest.fixture(autouse=True)
def compute_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU pass for a device: it has no number, and accelerate is told one."""
    if DEVICE == "cpu":
        offload = accelerate.cpu_offload
        monkeypatch.setattr(
            accelerate, "cpu_offload", lambda model, _, **how: offload(model, "cpu", **how)
        )


def drawn(model: Any, steps: int = 2, **how: Any) -> Tensor:
    """Two pictures of a red cat, or of what there is."""
    raw = {"prompt": "a red cat", "label": 3}
    conditions = {
        name: reads.prepare([raw[name]] * 2, SampleRng([0, 1]))
        for name, reads in model.conditioners.items()
    }
    rng, options = SampleRng([11, 12]), model.Options(steps=steps)
    with torch.inference_mode():
        return model.sample(rng, conditions, options, **how).cpu()


def test_pictures_and_weights_are_the_same(checkpoint: Checkpoint) -> None:
    for name in ("ddpm", "dit", "ldm", "sd", "xl"):
        model: Any = genzoo.load(checkpoint(name), device=DEVICE)
        before = drawn(model)
        assert isinstance(model, Offloadable)
        for mode in MODES:
            model.offload(mode, DEVICE)
            waiting = {parameter.device.type for parameter in model.parameters()}
            assert waiting == {"meta" if mode == "sequential" else "cpu"}
            torch.testing.assert_close(drawn(model), before, msg=f"{name}, {mode}")
        model.offload("", DEVICE)
        assert {parameter.device.type for parameter in model.parameters()} == {DEVICE}
        torch.testing.assert_close(drawn(model), before)


@pytest.mark.parametrize("mode", MODES)
def test_pictures_are_varied_encoded_and_seen_on_the_way(
    checkpoint: Checkpoint, mode: Mode
) -> None:
    seen: list[Tensor] = []

    def on_step(step: int, total: int, x: Tensor) -> None:
        seen.append(x.cpu())

    model: Any = genzoo.load(checkpoint("sd"), device=DEVICE)
    shape = model.sample_shape
    images = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mask = torch.zeros(1, 1, *shape[1:], dtype=torch.bool)
    mask[..., : shape[2] // 2] = True
    found: list[list[Tensor]] = []
    for place in ("", mode):
        model.offload(place, DEVICE)
        with torch.inference_mode():
            latents = model.codec.encode(images.to(DEVICE)).mean
            decoded = model.codec.decode(latents).cpu()
        varied = drawn(model, 4, start=Start(images, 0.6), on_step=on_step)
        inpainted = drawn(model, 4, start=Start(images, 1.0, mask))
        found.append([latents.cpu(), decoded, varied, inpainted, *seen])
        seen.clear()
    assert len(found[0]) == len(found[1]) > 4
    for plain, offloaded in zip(*found, strict=True):
        torch.testing.assert_close(offloaded, plain)


@pytest.mark.parametrize("mode", MODES)
def test_a_lora_goes_into_weights_that_wait(checkpoint: Checkpoint, mode: Mode) -> None:
    model: Any = genzoo.load(checkpoint("sd"), device=DEVICE)
    plain, changes = drawn(model), lora_of(model)
    model.adapt([(changes, 1.0)])
    changed = drawn(model)
    assert (changed - plain).abs().max() > 0.01
    model.offload(mode, DEVICE)
    torch.testing.assert_close(drawn(model), changed)
    model.adapt([])
    torch.testing.assert_close(drawn(model), plain)
    model.adapt([(changes, 1.0)])
    torch.testing.assert_close(drawn(model), changed)


def lora_of(model: Any) -> dict[str, Tensor]:
    """Changes of rank 2 to one layer of a U-Net, as diffusers names them."""
    name = next(n for n, _ in model.pipeline.unet.named_modules() if n.endswith("to_q"))
    rows, columns = model.pipeline.unet.get_submodule(name).weight.shape
    generator = torch.Generator().manual_seed(0)
    return {
        f"unet.{name}.lora.down.weight": torch.randn(2, columns, generator=generator),
        f"unet.{name}.lora.up.weight": torch.randn(rows, 2, generator=generator),
    }


def test_the_cpu_is_where_weights_wait(checkpoint: Checkpoint, capsys: Any) -> None:
    folder = str(checkpoint("sd"))
    assert main(["run", folder, "a cat", "--offload", "model"]) == 2
    assert "weights wait on the CPU" in capsys.readouterr().err
    with pytest.raises(UsageError, match="there are model and sequential"):
        genzoo.load(folder, offload="disk")  # type: ignore[arg-type]


def test_other_models_are_not_offloaded(checkpoint: Checkpoint) -> None:
    for name in ("vae-mnist", checkpoint("vae")):
        with pytest.raises(UsageError, match="cannot be offloaded"):
            genzoo.load(name, offload="model")
