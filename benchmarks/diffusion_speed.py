"""How fast few-step models sample on a CPU.

1. `flow-mnist` with 10 Heun steps (19 evaluations of its U-Net) beside a U-Net of `diffusers` with
   about as many parameters and 20 evaluations; batch 64, one thread, in turns in one process, so
   that the ratio does not depend on the machine. CPU time is compared, which a busy machine
   disturbs less. Fails if genzoo's takes longer per image.
2. `gan-mnist` on one thread, in images per second of CPU time and by the clock. Fails below 1,000
   per second of CPU time: a machine with nothing else to do is not slower by the clock.

What a network's weights are does not change what it costs, so both are built from their recipes.

    python benchmarks/diffusion_speed.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import genzoo
from genzoo_core import GenerativeModel, ModelSpec, SampleRng
from genzoo_core.libraries import mend_torchvision

mend_torchvision()  # diffusers imports it wherever it is installed
from diffusers import UNet2DModel  # noqa: E402

PLUGINS = Path(__file__).parent.parent / "plugins"
BATCH, EVALUATIONS = 64, 20
GAN_BAR = 1000


def from_recipe(path: str) -> GenerativeModel[Any]:
    """The model of a recipe with fresh weights, ready to sample."""
    zoo = genzoo.open_zoo()
    recipe = zoo.recipe(str(PLUGINS / path)).model
    conditioners = {name: given.spec() for name, given in recipe.conditioners.items()}
    spec = ModelSpec(recipe.component, recipe.config, conditioners=conditioners)
    model = zoo.build(spec).module.eval()
    assert isinstance(model, GenerativeModel)
    return model


def peer() -> nn.Module:
    """A U-Net of `diffusers` for 28×28 pictures and eleven classes, the eleventh being null."""
    untyped: Any = UNet2DModel
    net: nn.Module = untyped(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        block_out_channels=(32, 52),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=52,
        norm_num_groups=4,
        num_class_embeds=11,
    )
    return net.eval()


def sample_with(model: GenerativeModel[Any], prompts: dict[str, list[Any]], **options: Any) -> None:
    """Sample a batch as `genzoo run` does."""
    rng = SampleRng(range(BATCH))
    rows = {name: model.conditioners[name].prepare(raw, rng) for name, raw in prompts.items()}
    model.sample(rng, rows, model.Options(**options))


def sample_peer(net: nn.Module) -> None:
    """Euler's method along the rectified flow that `net` would have learnt."""
    x = torch.randn(BATCH, 1, 28, 28)
    labels = torch.arange(BATCH) % 10
    for step in range(EVALUATIONS):
        time_now = torch.full((BATCH,), 1000 * (1 - step / EVALUATIONS))
        x = x - net(x, time_now, class_labels=labels, return_dict=False)[0] / EVALUATIONS
    x.clamp(-1, 1)


def in_turns(
    runs: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each run in each round, after one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for done in range(rounds + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if done:
                seconds[name].append(clock() - start)
    return seconds


def compare_flows(rounds: int) -> dict[str, Any]:
    """`flow-mnist` beside the peer, on one thread."""
    torch.set_num_threads(1)
    model, net = from_recipe("genzoo_diffusion/recipes/flow-mnist.toml"), peer()
    prompts = {"label": [i % 10 for i in range(BATCH)]}
    runs = {
        "flow-mnist": lambda: sample_with(model, prompts, steps=10, sampler="heun", guidance=1),
        "flow-mnist, guided": lambda: sample_with(
            model, prompts, steps=10, sampler="heun", guidance=1.5
        ),
        "diffusers": lambda: sample_peer(net),
    }
    seconds = in_turns(runs, rounds, time.process_time)
    theirs = seconds["diffusers"]
    return {
        "parameters": {
            "flow-mnist": sum(p.numel() for p in model.parameters()),
            "diffusers": sum(p.numel() for p in net.parameters()),
        },
        "CPU ms per image": {
            name: round(1000 * statistics.median(s) / BATCH, 2) for name, s in seconds.items()
        },
        "time / diffusers": {
            name: round(statistics.median(a / b for a, b in zip(s, theirs, strict=True)), 3)
            for name, s in seconds.items()
        },
    }


def gan_speed(rounds: int) -> dict[str, int]:
    """Images a second of `gan-mnist`, in CPU time and by the clock, on one thread."""
    torch.set_num_threads(1)
    model = from_recipe("genzoo_gan/recipes/gan-mnist.toml")
    prompts = {name: [i % 10 for i in range(BATCH)] for name in model.conditioners}
    run = {"gan": lambda: sample_with(model, prompts)}
    clocks = {"per CPU second": time.process_time, "by the clock": time.perf_counter}
    return {
        name: round(BATCH / statistics.median(in_turns(run, rounds, clock)["gan"]))
        for name, clock in clocks.items()
    }


def main() -> int:
    """Measure, print, and fail where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with torch.inference_mode():
        flow = compare_flows(given.rounds)
        gan = gan_speed(10 * given.rounds)
    print(json.dumps({**flow, "gan-mnist images/s": gan}, indent=2))
    return int(flow["time / diffusers"]["flow-mnist"] > 1 or gan["per CPU second"] < GAN_BAR)


if __name__ == "__main__":
    sys.exit(main())
