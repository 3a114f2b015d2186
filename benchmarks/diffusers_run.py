"""`genzoo run FOLDER` beside a script that does the same with diffusers: time and memory.

python benchmarks/diffusers_run.py [--steps N] [--gigabytes 2]

A Stable Diffusion with random weights makes one picture; both are whole processes and alternate.
Then a net of some gigabytes is opened: how often each byte of its file is read. Exits with 1 where
a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from genzoo_core.libraries import mend_torchvision

TIME_BAR, MEMORY_BAR, READ_BAR = 1.1, 1.1, 2

SCRIPT = """
import sys, torch
from genzoo_core.libraries import mend_torchvision
mend_torchvision()  # without a GPU, torchvision may be none that imports
from diffusers import StableDiffusionPipeline
pipeline = StableDiffusionPipeline.from_pretrained(sys.argv[1])
generator = torch.Generator().manual_seed(11)
made = pipeline("a red cat", generator=generator, num_inference_steps=int(sys.argv[2]))
made.images[0].save("script.png")
"""

READS = """
import sys, genzoo
def read():
    return int(next(line for line in open("/proc/self/io") if line.startswith("rchar")).split()[1])
genzoo.open_zoo(); import genzoo_diffusers.loading
before = read()
genzoo.load(sys.argv[1])
print(read() - before)
"""


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Seconds of user and system time, and megabytes at most, that a command takes."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def save_checkpoints(folder: Path, gigabytes: float) -> None:
    """A Stable Diffusion of a quarter of a gigabyte, and a net of some gigabytes."""
    mend_torchvision()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "genzoo_diffusers"))
    import diffusers as untyped
    from checkpoints import BETAS, text_config, tokenizer, vae
    from transformers import CLIPTextModel

    diffusers: Any = untyped
    reads = tokenizer(folder / "words")
    net = diffusers.UNet2DConditionModel(
        sample_size=32, block_out_channels=(128, 256), cross_attention_dim=16,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    diffusers.StableDiffusionPipeline(
        vae=vae(latent_channels=4),
        text_encoder=CLIPTextModel(text_config(len(reads))),
        tokenizer=reads,
        unet=net,
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1, **BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "sd")
    width = int((gigabytes * 1e9 / 4 / 260) ** 0.5) // 32 * 32
    diffusers.UNet2DModel(
        sample_size=8, block_out_channels=(width, width), layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    ).save_pretrained(folder / "large", max_shard_size="100GB")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoints(Path(folder), arguments.gigabytes)
        steps = str(arguments.steps)
        commands = {
            "diffusers": [sys.executable, "-c", SCRIPT, "sd", steps],
            "genzoo": [
                *[sys.executable, "-m", "genzoo", "run", "./sd", "a red cat", "--seed", "11"],
                *["--steps", steps, "-f", "-o", "x.png"],
            ],
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                found[name].append(run(command, folder))
        medians = {
            name: [statistics.median(v) for v in zip(*f, strict=True)] for name, f in found.items()
        }
        for name, (seconds, megabytes) in medians.items():
            print(f"{name:10} {seconds:6.2f} s CPU, {megabytes:,.0f} MB")
        ours, theirs = medians["genzoo"], medians["diffusers"]
        time, memory = ours[0] / theirs[0], ours[1] / theirs[1]
        print(f"ratio      {time:.3f} of time, {memory:.3f} of memory; the bars are 1.1")
        file = next(Path(folder, "large").glob("*.safetensors"))
        command = [sys.executable, "-c", READS, str(file.parent)]
        read = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        times = int(read.stdout) / file.stat().st_size
        print(f"each of {file.stat().st_size / 1e9:.1f} GB is read {times:.2f} times")
    sys.exit(time > TIME_BAR or memory > MEMORY_BAR or times > READ_BAR)


if __name__ == "__main__":
    main()
