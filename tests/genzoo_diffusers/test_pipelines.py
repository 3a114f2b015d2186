"""A seed gives what it gives in `diffusers`: the reference is the pipeline, called by hand."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import dit, save
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image
from safetensors.torch import load_file, save_file

import genzoo
from genzoo.cli import main
from genzoo_core import Codec, GenzooError, Lora, Posterior, UsageError
from genzoo_core.images import to_uint8
from genzoo_core.testing import check_model
from genzoo_diffusers.preview import Preview

Checkpoint = Callable[[str], Path]
SEED, N = 11, 2


def pixels(pictures: Any) -> np.ndarray:
    """uint8 `[N, H, W, C]`."""
    return to_uint8(pictures.images).permute(0, 2, 3, 1).numpy()


def reference(pipeline: Any, n: int = N, **call: Any) -> np.ndarray:
    """What the pipeline makes of each seed alone."""
    pipeline.set_progress_bar_config(disable=True)
    made = []
    for seed in range(SEED, SEED + n):
        scheduler = pipeline.scheduler
        pipeline.scheduler = type(scheduler).from_config(scheduler.config)
        generator = torch.Generator().manual_seed(seed)
        image = np.asarray(pipeline(**call, generator=generator).images[0])
        made.append(image.reshape(*image.shape[:2], -1))
    return np.stack(made)


def assert_same(mine: np.ndarray, theirs: np.ndarray) -> None:
    assert mine.shape == theirs.shape
    assert theirs.std() > 5  # a flat picture would agree with anything
    assert np.abs(mine.astype(int) - theirs).max() <= 1


def generate(folder: Path, prompt: str | tuple[()] = (), **fields: Any) -> np.ndarray:
    return pixels(genzoo.generate(folder, prompt, seed=SEED, **{"n": N, **fields}))


def load(folder: Path, **how: Any) -> Any:
    return diffusers.DiffusionPipeline.from_pretrained(folder, **how)


@pytest.mark.parametrize(
    ("name", "prompt", "options", "call"),
    [
        ("ddpm", (), {"steps": 3}, {"num_inference_steps": 3}),
        ("ddim", (), {"steps": 3}, {"num_inference_steps": 3}),
        ("ddim", (), {"steps": 3, "eta": 0.7}, {"num_inference_steps": 3, "eta": 0.7}),
        ("consistency", "3", {"steps": 2}, {"num_inference_steps": 2, "class_labels": 3}),
        ("dit", "Item 3", {"steps": 3}, {"num_inference_steps": 3, "class_labels": [3]}),
        ("dit", "", {"steps": 2, "guidance": 1}, {}),
        ("sd", "a red cat", {"steps": 3}, {"num_inference_steps": 3}),
        (
            "sd",
            "a red cat",
            {"steps": 3, "height": 24, "width": 40, "guidance": 3.0},
            {"num_inference_steps": 3, "height": 24, "width": 40, "guidance_scale": 3.0},
        ),
        (
            "xl",
            "a red cat",
            {"steps": 3, "prompt_2": "a dog"},
            {"num_inference_steps": 3, "prompt_2": "a dog"},
        ),
    ],
)
def test_a_seed_gives_what_it_gives_in_diffusers(
    checkpoint: Checkpoint,
    name: str,
    prompt: str | tuple[()],
    options: dict[str, Any],
    call: dict[str, Any],
) -> None:
    if (name, prompt) == ("dit", ""):  # of no class, which is the one past the last
        prompt = ()
        call = {"num_inference_steps": 2, "class_labels": [1000], "guidance_scale": 1.0}
    folder = checkpoint(name)
    text = {"prompt": prompt} if name in ("sd", "xl") else {}
    mine = generate(folder, prompt, options=options)
    assert_same(mine, reference(load(folder), **text, **call))


BINNED = {"height": 32, "width": 32, "use_resolution_binning": False}
"""Of pipelines that draw another size and change it: as large as they are asked."""


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("lcm", {}),
        ("guarded", {}),
        ("ldm", {"guidance_scale": 2.0}),
        ("pixart", BINNED),
        ("sd3", {"max_sequence_length": 16}),
        ("flux", {"max_sequence_length": 16, "height": 32, "width": 32}),
        ("sana", BINNED),
    ],
)
def test_any_pipeline_of_text(checkpoint: Checkpoint, name: str, call: dict[str, Any]) -> None:
    options = {"steps": 2, **call}
    if "guidance_scale" in options:
        options["guidance"] = options.pop("guidance_scale")
    pipeline = load(checkpoint(name))
    mine = generate(checkpoint(name), "a red cat", options=options)
    assert_same(mine, reference(pipeline, prompt="a red cat", num_inference_steps=2, **call))


@pytest.mark.parametrize("size", ["100KB", "20KB"])
@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_and_variants(tmp_path: Path, size: str, variant: str | None) -> None:
    from checkpoints import stable_diffusion

    folder = tmp_path / "sd"
    torch.manual_seed(1)
    pipeline = stable_diffusion(tmp_path)
    pipeline.save_pretrained(folder, max_shard_size=size, variant=variant)
    assert len(list(folder.glob("unet/*.safetensors"))) > 1
    how = {} if variant is None else {"variant": variant}
    mine = generate(folder, "a cat", options={"steps": 2}, **how)
    theirs = reference(load(folder, **how), prompt="a cat", num_inference_steps=2)
    assert_same(mine, theirs)


def test_weights_in_half_precision(tmp_path: Path) -> None:
    from checkpoints import ddpm

    ddpm(tmp_path).to(torch.float16).save_pretrained(tmp_path / "half")
    mine = generate(tmp_path / "half", options={"steps": 2})
    assert_same(mine, reference(load(tmp_path / "half"), num_inference_steps=2))


@pytest.mark.parametrize("name", ["ddpm", "sd", "flux"])
def test_a_pipeline_computes_in_the_precision_of_its_weights(
    checkpoint: Checkpoint, name: str
) -> None:
    """As with `dtype=torch.bfloat16`, whose noise is other noise than that of float32."""
    pipeline = load(checkpoint(name), dtype=torch.bfloat16)
    size = {"height": 32, "width": 32} if name == "flux" else {}
    prompt: Any = () if name == "ddpm" else "a red cat"
    made = genzoo.generate(
        checkpoint(name), prompt, seed=SEED, n=1, precision="bf16", options={"steps": 2, **size}
    )
    assert made.record.precision == "bf16"
    text = {"prompt": prompt} if prompt else {"output_type": "pt"}
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(SEED)
    image = pipeline(**text, **size, num_inference_steps=2, generator=generator).images[0]
    if isinstance(image, torch.Tensor):
        image = (image.float() * 255).round().byte().permute(1, 2, 0).numpy()
    assert_same(pixels(made), np.asarray(image)[None])


def test_a_flat_repository_of_2022(checkpoint: Checkpoint, tmp_path: Path) -> None:
    old, flat = checkpoint("ddpm"), tmp_path / "flat"
    flat.mkdir()
    for file in old.rglob("*"):
        if file.is_file():
            (flat / file.name).write_bytes(file.read_bytes())
    expected = reference(load(old), num_inference_steps=2)
    assert_same(generate(flat, options={"steps": 2}), expected)
    # Without an index it is a net alone, with its scheduler beside it or DDPM's own.
    (flat / "model_index.json").unlink()
    assert_same(generate(flat, options={"steps": 2}), expected)
    (flat / "scheduler_config.json").unlink()
    assert_same(generate(flat, options={"steps": 2}), expected)


SAMPLERS = {
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "dpm++-2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpm++-2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_sampler(checkpoint: Checkpoint, name: str) -> None:
    folder, pipeline = checkpoint("sd"), load(checkpoint("sd"))
    scheduler, changes = SAMPLERS[name]
    pipeline.scheduler = getattr(diffusers, scheduler).from_config(
        pipeline.scheduler.config, **changes
    )
    opened, fields = genzoo.open_zoo().open(folder), {"seed": SEED, "n": N}
    own = genzoo.generate(opened, "a cat", options={"steps": 3}, **fields)
    options = {"steps": 3, "sampler": name, "eta": 0.5}
    mine = pixels(genzoo.generate(opened, "a cat", options=options, **fields))
    theirs = reference(pipeline, prompt="a cat", num_inference_steps=3, eta=0.5)
    assert_same(mine, theirs)
    again = genzoo.generate(opened, "a cat", options={"steps": 3}, **fields)
    assert torch.equal(again.images, own.images)


def test_a_scheduler_with_infinity_in_its_config(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """As `DPMSolverMultistepScheduler` is saved."""
    pipeline = load(checkpoint("sd"))
    pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config
    )
    pipeline.save_pretrained(tmp_path / "sd")
    config = (tmp_path / "sd" / "scheduler" / "scheduler_config.json").read_text()
    assert '"lambda_min_clipped": -Infinity' in config
    mine = generate(tmp_path / "sd", "a cat", options={"steps": 3})
    assert_same(mine, reference(pipeline, prompt="a cat", num_inference_steps=3))


def test_shards_of_a_variant_of_a_model_alone(tmp_path: Path) -> None:
    folder = save("half shards", tmp_path / "net", max_shard_size="20KB", variant="fp16")
    net = diffusers.UNet2DModel.from_pretrained(folder, variant="fp16")
    pipeline = diffusers.DDPMPipeline(net, diffusers.DDPMScheduler())
    mine = generate(folder, options={"steps": 2}, variant="fp16")
    assert_same(mine, reference(pipeline, num_inference_steps=2))


def test_few_classes_are_drawn_without_guidance(tmp_path: Path) -> None:
    """What diffusers guides away from is class 1000, whatever there are."""
    dit(tmp_path, 7).save_pretrained(tmp_path / "dit")
    mine = generate(tmp_path / "dit", "6", options={"steps": 2, "guidance": 1.0})
    call = {"class_labels": [6], "guidance_scale": 1.0, "num_inference_steps": 2}
    assert_same(mine, reference(load(tmp_path / "dit"), **call))
    with pytest.raises(UsageError, match="7 classes is not guided; use --guidance 1"):
        generate(tmp_path / "dit", "6", options={"steps": 2})


def test_a_scheduler_that_its_pipeline_gives_no_generator(checkpoint: Checkpoint) -> None:
    from functools import partial

    folder, pipeline = checkpoint("dit"), load(checkpoint("dit"))
    pipeline.set_progress_bar_config(disable=True)
    expected = []
    for seed in (SEED, SEED + 1):
        generator = torch.Generator().manual_seed(seed)
        scheduler = diffusers.DDPMScheduler.from_config(pipeline.scheduler.config)
        scheduler.step = partial(scheduler.step, generator=generator)
        pipeline.scheduler = scheduler
        call = {"class_labels": [2], "num_inference_steps": 3, "generator": generator}
        expected.append(np.asarray(pipeline(**call).images[0]))
    mine = generate(folder, "2", options={"steps": 3, "sampler": "ddpm"})
    assert_same(mine, np.stack(expected))


def test_a_negative_prompt(checkpoint: Checkpoint) -> None:
    call = {"prompt": "a cat", "negative_prompt": "red", "guidance_scale": 5.0}
    mine = generate(
        checkpoint("sd"), "a cat", negative="red", options={"steps": 3, "guidance": 5.0}
    )
    assert_same(mine, reference(load(checkpoint("sd")), num_inference_steps=3, **call))
    with pytest.raises(UsageError, match="nothing leads away"):
        generate(checkpoint("sd"), "a", negative="b", options={"guidance": 1.0})


@pytest.fixture
def lora(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """Changes to the net of "sd", as peft trains them."""
    pipeline = load(checkpoint("sd"))
    torch.manual_seed(3)
    config = LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
    pipeline.unet.add_adapter(config)
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipeline.unet))
    pipeline.save_lora_weights(tmp_path, state)
    return tmp_path / "pytorch_lora_weights.safetensors"


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_a_lora_changes_what_it_changes_in_diffusers(
    checkpoint: Checkpoint, lora: Path, scale: float
) -> None:
    opened, fields = genzoo.open_zoo().open(checkpoint("sd")), {"seed": SEED, "n": N}
    options = {"steps": 3}
    plain = genzoo.generate(opened, "a cat", options=options, **fields)
    loras = (Lora(str(lora), scale),)
    mine = genzoo.generate(opened, "a cat", options=options, loras=loras, **fields)
    pipeline = load(checkpoint("sd"))
    pipeline.load_lora_weights(lora, adapter_name="mine")
    pipeline.set_adapters("mine", scale)
    theirs = reference(pipeline, prompt="a cat", num_inference_steps=3)
    assert_same(pixels(mine), theirs)
    assert np.abs(pixels(plain).astype(int) - theirs).max() > 5
    (recorded,) = mine.record.loras
    assert recorded.sha256 == hashlib.sha256(lora.read_bytes()).hexdigest()
    again = genzoo.generate(opened, "a cat", options=options, **fields)
    assert torch.equal(again.images, plain.images)


def test_a_lora_on_the_command_line(
    checkpoint: Checkpoint,
    lora: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink(checkpoint("sd"), "sd")

    def run(*words: str) -> tuple[int, str]:
        capfd.readouterr()
        return main(["run", *words]), capfd.readouterr().err

    code, said = run("./sd", "a", "--steps", "2", "--lora", f"{lora.name}:0.5", "-o", "a.png")
    assert code == 0, said
    assert "the same pixels" in run("--replay", "a.png", "-o", "b.png")[1]
    os.rename(lora, "was.safetensors")
    other = load_file("was.safetensors")
    save_file({name: tensor + 1 for name, tensor in other.items()}, lora)
    code, said = run("--replay", "a.png", "-o", "b.png", "-f")
    assert f"LoRA {lora.name} is not the file that was used then" in said
    net = "sd/unet/diffusion_pytorch_model.safetensors"
    for words, says in [
        (["./sd", "a", "--lora", "gone.safetensors"], "cannot read"),
        (["./sd", "a", "--lora", net], "for another model"),
        (["./sd", "a", "--lora", "was.safetensors:nan"], "is nan; give a number"),
        (["flow-mnist", "--lora", "was.safetensors"], "takes no LoRA"),
        (["./sd", "a", "--lora", "a.png"], "is no safetensors file"),
    ]:
        code, said = run(*words, "-o", "c.png")
        assert code in (1, 2)
        assert says in said


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
MASK = np.zeros((32, 32), np.uint8)
MASK[8:24, :16] = 255


@pytest.mark.parametrize("name", ["sd", "xl"])
def test_a_picture_is_varied_by_the_pipeline_for_that(checkpoint: Checkpoint, name: str) -> None:
    pipeline = diffusers.AutoPipelineForImage2Image.from_pipe(load(checkpoint(name)))
    call = {"prompt": "a cat", "image": Image.fromarray(PICTURE), "strength": 0.6}
    mine = generate(
        checkpoint(name), "a cat", inputs=[png(PICTURE)], strength=0.6, options={"steps": 5}
    )
    assert_same(mine, reference(pipeline, num_inference_steps=5, **call))


@pytest.mark.parametrize("strength", [0.2, 0.8])
def test_a_share_of_the_steps_of_a_consistency_models_training(
    checkpoint: Checkpoint, strength: float
) -> None:
    pipeline = diffusers.AutoPipelineForImage2Image.from_pipe(load(checkpoint("lcm")))
    call = {"prompt": "a cat", "image": Image.fromarray(PICTURE), "strength": strength}
    given = {"inputs": [png(PICTURE)], "strength": strength}
    mine = generate(checkpoint("lcm"), "a cat", **given, options={"steps": 4})
    assert_same(mine, reference(pipeline, num_inference_steps=4, **call))


@pytest.mark.parametrize("name", ["sd", "xl"])
def test_a_part_is_made_by_the_pipeline_for_that(checkpoint: Checkpoint, name: str) -> None:
    pipeline = diffusers.AutoPipelineForInpainting.from_pipe(load(checkpoint(name)))
    images = {"image": Image.fromarray(PICTURE), "mask_image": Image.fromarray(MASK)}
    mine = generate(
        checkpoint(name),
        "a cat",
        inputs=[png(PICTURE)],
        mask=png(MASK),
        strength=0.9,
        options={"steps": 5},
    )
    theirs = reference(
        pipeline, prompt="a cat", strength=0.9, num_inference_steps=5, height=32, width=32, **images
    )
    made = MASK > 0
    assert_same(mine[:, made][:, None], theirs[:, made][:, None])
    assert (mine[:, ~made] == PICTURE[~made]).all()


def test_no_strength_is_what_its_codec_makes_of_the_picture(checkpoint: Checkpoint) -> None:
    given = {"inputs": [png(PICTURE)], "n": 1}
    mine = generate(checkpoint("sd"), "a cat", strength=0.0, **given)
    vae = load(checkpoint("sd")).vae
    x = torch.from_numpy(PICTURE.copy()).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        y = vae.decode(vae.encode(x).latent_dist.mode()).sample.clamp(-1, 1)
    theirs = ((y + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    assert_same(mine, theirs)
    assert_same(pixels(genzoo.generate(checkpoint("sd"), inputs=[png(PICTURE)])), theirs)


def test_a_picture_depends_on_its_seed_alone(checkpoint: Checkpoint) -> None:
    for name, prompt in (("sd", "a cat"), ("dit", "4"), ("consistency", ())):
        options = {"steps": 2, **({"sampler": "ddpm"} if name == "dit" else {})}
        torch.manual_seed(1)
        three = generate(checkpoint(name), prompt, n=3, options=options)
        torch.manual_seed(2)
        fields = {"seed": SEED + 2, "options": options}
        alone = pixels(genzoo.generate(checkpoint(name), prompt, **fields))
        assert_same(alone, three[2:])


@pytest.mark.parametrize(("name", "prompt"), [("ddpm", ()), ("sd", "a cat"), ("dit", "4")])
def test_each_step_is_a_picture(checkpoint: Checkpoint, name: str, prompt: Any) -> None:
    made = genzoo.generate(
        checkpoint(name), prompt, n=2, options={"steps": 4}, seed=0, keep_frames=True
    )
    frames = torch.stack(made.frames)
    assert frames.shape[1:] == made.images.shape
    assert frames[-1].std() > 0.01
    if name == "ddpm":
        # Of values near 0 the last bit is more than allclose allows by itself.
        assert torch.allclose(frames[-1], made.images, atol=1e-6)


class Linear(Codec):
    """Each place of a latent is four pixels of one colour, a known map of its channels."""

    latent_shape = (4, 4, 4)

    def __init__(self) -> None:
        super().__init__()
        self.colours = torch.nn.Parameter(torch.randn(3, 4, generator=torch.Generator()) / 8)

    def encode(self, x: torch.Tensor, condition: Any = None) -> Posterior:
        raise NotImplementedError

    def decode(self, z: torch.Tensor, condition: Any = None) -> torch.Tensor:
        colours = torch.einsum("dc,bchw->bdhw", self.colours, z) + 0.1
        return colours.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_the_colours_of_a_latent_are_those_of_a_linear_decoder() -> None:
    codec = Linear()
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator())
    assert torch.allclose(
        Preview(codec, torch.device("cpu"))(latents, 8, 8), codec.decode(latents), atol=1e-5
    )


@pytest.mark.parametrize("name", ["ddpm", "dit", "sd"])
def test_it_keeps_to_the_interfaces(checkpoint: Checkpoint, name: str) -> None:
    check_model(genzoo.open_zoo(), checkpoint(name))


@pytest.mark.parametrize(
    ("name", "prompt", "fields", "says"),
    [
        ("dit", "a dog", {}, "no class 'a dog'; give a number from 0 to 999, or a name"),
        ("consistency", "5", {}, "no class '5'; give a number from 0 to 4"),
        ("ddpm", "a dog", {}, "takes no prompt"),
        ("ddpm", (), {"options": {"steps": 2000}}, "2000 cannot be larger"),
        ("ddpm", (), {"inputs": [png(PICTURE)], "strength": 0.5}, "cannot begin from a picture"),
        ("ddim", (), {"options": {"sampler": "euler"}}, "it is one of ddim"),
        ("classes", (), {}, "a UNet2DModel of classes, and no pipeline that names them"),
        (
            "sd",
            "a",
            {"inputs": [png(PICTURE)], "strength": 0.1, "options": {"steps": 5}},
            "with strength 0.1 none of 5 steps is done; raise --strength or --steps",
        ),
        ("sd", "a", {"options": {"clip_skip": 50, "steps": 1}}, "cannot make this"),
        ("sd", "a", {"options": {"height": 33}}, "height is 33; give a multiple of 2"),
        ("sd", "a", {"options": {"sampler": "magic"}}, "it is one of ddim, ddpm"),
        ("sd", "a", {"options": {"sampler": "dpm++-sde"}}, "requires the torchsde library"),
        ("sd", "a", {"options": {"generator": 1}}, "has no option 'generator'"),
    ],
)
def test_what_a_pipeline_cannot_do(
    checkpoint: Checkpoint, name: str, prompt: Any, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(GenzooError, match=says):
        genzoo.generate(checkpoint(name), prompt, **fields)
