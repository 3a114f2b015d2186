"""How much faster is bfloat16 than float32, and how far are its pictures?

    python benchmarks/precision.py [MODEL]... [--rounds 5]

Batches of 64 pictures, of one seed each, on one thread, in turns in one process, so that the ratio
does not depend on the machine's speed; CPU time is compared, which a busy machine disturbs less.
`flow-mnist` takes ten steps of Euler's method without guidance, ten evaluations of its U-Net; what
lies between those is counted. Fails if it is not 1.5 times as fast in bfloat16, which it is on CPUs
that compute in that (`avx512_bf16` or `amx_bf16` in /proc/cpuinfo).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import torch
from torch import Tensor

import genzoo
from genzoo_core import GenerativeModel, SampleRng

BATCH, STEPS, BAR = 64, 10, 1.5
EVALUATED = "flow-mnist"
MODELS = (EVALUATED, "gan-mnist", "vae-mnist")


def batch_of(name: str, model: GenerativeModel[Any]) -> Tensor:
    """One batch; of the model that is evaluated, in as many evaluations as `STEPS`."""
    options = {"steps": STEPS, "sampler": "euler", "guidance": 1} if name == EVALUATED else {}
    return model.sample(SampleRng(range(BATCH)), {}, model.Options(**options))


def compare(name: str, rounds: int) -> dict[str, float]:
    """CPU milliseconds of an evaluation for one picture, or of a picture; and how far they are."""
    models = {p: genzoo.load(name, precision=p) for p in ("fp32", "bf16")}
    seconds: dict[str, list[float]] = {precision: [] for precision in models}
    made: dict[str, Tensor] = {}
    for done in range(rounds + 1):
        for precision, model in models.items():
            start = time.process_time()
            made[precision] = batch_of(name, model)
            if done:  # the first warms up
                seconds[precision].append(time.process_time() - start)
    pictures = BATCH * (STEPS if name == EVALUATED else 1)
    figures = {p: round(1000 * statistics.median(s) / pictures, 3) for p, s in seconds.items()}
    pairs = zip(seconds["fp32"], seconds["bf16"], strict=True)
    apart = (made["fp32"] - made["bf16"]).abs().mean() * 255 / 2
    return {
        **figures,
        "fp32 / bf16": round(statistics.median(a / b for a, b in pairs), 2),
        "levels of 255 apart": round(float(apart), 2),
    }


def main() -> int:
    """Measure, print, and fail where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode():
        figures = {name: compare(name, given.rounds) for name in given.models}
    print(json.dumps(figures, indent=2))
    return int(EVALUATED in figures and figures[EVALUATED]["fp32 / bf16"] < BAR)


if __name__ == "__main__":
    sys.exit(main())
