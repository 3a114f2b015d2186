"""Going on with a checkpoint of diffusers, and writing one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import diffusers
import pytest
import torch
from PIL import Image

import genzoo

Run = Callable[..., tuple[int, str, str]]
Checkpoint = Callable[[str], Path]


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    for number in range(24):
        file = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (9 * number, 7, 200)).save(file)
    return str(tmp_path / "photos")


def trained(run: Run, start: Path, data: str, *words: str) -> str:
    """A model that begins from a folder; what was said."""
    command = ["train", "ddpm", "--data", data, "--start", str(start), "--steps", "2"]
    code, _, err = run(*command, "--threads", "1", "--name", "mine", *words)
    assert code == 0, err
    return err


@pytest.mark.parametrize("name", ["ddpm", "ddim", "dit"])
def test_a_folder_is_gone_on_with(
    name: str, run: Run, checkpoint: Checkpoint, pictures: str, tmp_path: Path
) -> None:
    folder = Path(copytree(checkpoint(name), tmp_path / name))
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    still = ["--set", "stages.0.phases.denoising.lr=0"]
    err = trained(run, folder, pictures, *still)
    assert ("made new: parts.unet.conv_in.weight (8×3×3×3, not 8×1×3×3)" in err) == (name == "ddim")
    assert ("takes no condition label" in err) == (name != "dit")
    zoo = genzoo.open_zoo()
    assert zoo.card("mine").license == "cc-by-4.0"
    assert "sha256" in zoo.card("mine").notes
    before, after = zoo.open(folder).own_tensors(), zoo.open("mine").own_tensors()
    same = [n for n in before if before[n].shape == after[n].shape]
    assert len(before) - len(same) == (3 if name == "ddim" else 0)
    assert all(torch.equal(before[n], after[n]) for n in same)
    assert run("run", "mine", *(["a"] if name == "dit" else []), "--steps", "2")[0] == 0


def test_it_learns(run: Run, checkpoint: Checkpoint, pictures: str) -> None:
    words = ["--steps", "30", "--set", "stages.0.phases.denoising.lr=0.003"]
    err = trained(run, checkpoint("ddpm"), pictures, *words, "--set", "report.log_every=15")
    losses = [
        float(line.split("loss ")[1].split()[0]) for line in err.splitlines() if " loss " in line
    ]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["ddim", "dit"])
def test_it_resumes_to_the_same_weights(
    name: str, run: Run, checkpoint: Checkpoint, pictures: str
) -> None:
    trained(run, checkpoint(name), pictures, "--steps", "4", "--out", "whole")
    trained(run, checkpoint(name), pictures, "--steps", "4", "--out", "half", "--max-steps", "2")
    trained(run, checkpoint(name), pictures, "--steps", "4", "--out", "half", "--resume")
    files = [Path(out) / "mine.safetensors" for out in ("whole", "half")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "cls"), [("ddpm", "DDPMPipeline"), ("ddim", "DDIMPipeline"), ("dit", "DiTPipeline")]
)
def test_diffusers_loads_what_is_exported(
    name: str, cls: str, run: Run, checkpoint: Checkpoint, pictures: str
) -> None:
    words = ["a"] if name == "dit" else []
    trained(run, checkpoint(name), pictures)
    for model, folder in (("mine", "theirs"), (str(checkpoint(name)), "copied")):
        code, out, err = run("export", model, "--diffusers", folder)
        assert (code, out) == (0, f"{folder}\n"), err
    expected = genzoo.generate("mine", *words, n=2, seed=3, options={"steps": 4}).images
    pipeline = getattr(diffusers, cls).from_pretrained("theirs")
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config)
    labels = {"class_labels": pipeline.get_label_ids(words)} if words else {}
    generator = torch.Generator().manual_seed(4)
    made = pipeline(**labels, generator=generator, num_inference_steps=4, output_type="np").images
    found = torch.from_numpy(made[0]).permute(2, 0, 1) * 2 - 1
    torch.testing.assert_close(found, expected[1], rtol=0, atol=0.009)
    again = genzoo.generate("./theirs", *words, n=2, seed=3, options={"steps": 4}).images
    assert torch.equal(again, expected)
    copied = genzoo.open_zoo().open("./copied").own_tensors()
    origin = genzoo.open_zoo().open(str(checkpoint(name))).own_tensors()
    assert all(torch.equal(copied[each], origin[each]) for each in origin)
    code, _, err = run("export", "mine", "--diffusers", "theirs")
    assert code == 2
    assert "theirs is not empty" in err


def test_what_is_no_network_of_diffusers_is_not_exported_so(run: Run) -> None:
    code, _, err = run("export", "flow-mnist", "--diffusers", "theirs")
    assert code != 0
    assert "genzoo/flow-mnist is no network of diffusers" in err
    assert not Path("theirs").exists()
    assert run("export", "flow-mnist")[0] == 2
    assert run("export", "flow-mnist", "-o", "x.safetensors", "--diffusers", "theirs")[0] == 2


def test_what_is_no_such_network_is_refused(
    run: Run, checkpoint: Checkpoint, pictures: str
) -> None:
    command = ["train", "ddpm", "--data", pictures, "--steps", "1", "--start"]
    code, _, err = run(*command, str(checkpoint("consistency")))
    assert code != 0
    assert "ConsistencyModelPipeline" in err
    code, _, err = run(*command, str(checkpoint("vae")))
    assert code != 0
    assert "is a codec and makes no pictures" in err
