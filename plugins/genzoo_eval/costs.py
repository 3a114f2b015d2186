"""What a model costs: parameters, operations, seconds and memory."""

from __future__ import annotations

import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from genzoo_core.devices import threads
from genzoo_core.errors import GenzooError
from genzoo_core.model import GenerativeModel, OptionsT
from genzoo_core.rng import SampleRng
from genzoo_eval.report import Figure

COUNTED = 8
"""Images whose operations are counted at a time."""

BATCH = 64
REPEATS, SLOW_REPEATS = 5, 2
SLOW = 10.0
"""Seconds of a batch from which on it is repeated less: a thousand steps take minutes."""

LEAST_SECONDS = 0.2
"""A repetition takes at least so long, so that the resolution of the clock does not matter."""


def parameters(module: nn.Module) -> int:
    """Numbers that were trained, those of shared parts included."""
    return sum(parameter.numel() for parameter in module.parameters())


def flops(model: GenerativeModel[OptionsT], options: OptionsT) -> float:
    """Floating-point operations for one image without a prompt, of matrix products, convolutions
    and attention; a multiplication and an addition count as two."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        model.sample(SampleRng(range(COUNTED)), {}, options)
    return counter.get_total_flops() / COUNTED


def images_per_second(model: GenerativeModel[OptionsT], options: OptionsT, cores: int) -> Figure:
    """Speed of a loaded model in batches of 64, without a prompt: the median of a few repetitions,
    with their standard deviation."""
    with threads(cores):
        first = _seconds(model, options, 1)
        count, repeats = max(1, round(LEAST_SECONDS / first)), REPEATS
        if first > SLOW:
            repeats = SLOW_REPEATS
        rates = [count * BATCH / _seconds(model, options, count) for _ in range(repeats)]
    median, spread = statistics.median(rates), statistics.stdev(rates)
    return Figure("images_per_second", median, spread=spread)


@torch.inference_mode()
def _seconds(model: GenerativeModel[OptionsT], options: OptionsT, batches: int) -> float:
    start = time.perf_counter()
    for batch in range(batches):
        model.sample(SampleRng(range(batch * BATCH, (batch + 1) * BATCH)), {}, options)
    return time.perf_counter() - start


_WATCH = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)
"""
"""A small process between this one and the one that is measured: Linux begins the largest
memory of a process with that of the one that started it."""


class Process(NamedTuple):
    """The seconds of a process from its start to its end, and its largest memory in bytes."""

    seconds: float
    memory: int


def run_once(model: str, settings: Mapping[str, object], n: int) -> Process:
    """`genzoo run MODEL -n N` in a new process, into a file that is thrown away.

    Raises:
        GenzooError: It fails; repeats its last message.
    """
    pairs = [f"{name}={value}" for name, value in settings.items() if value is not None]
    with tempfile.TemporaryDirectory() as folder:
        # -P: a file in the current folder must not pass for a module.
        command = [sys.executable, "-P", "-m", "genzoo", "run", "-n", str(n), "--seed", "0"]
        command += [word for pair in pairs for word in ("--set", pair)]
        command += ["--no-preview", "-o", str(Path(folder) / "pictures.png"), "--", model]
        done = subprocess.run(
            [sys.executable, "-P", "-S", "-c", _WATCH, *command],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    seconds, memory, code = (done.stdout.split() or ["0", "0", str(done.returncode)])[-3:]
    measured = f"`genzoo run {shlex.quote(model)}`"
    if int(code) < 0:
        raise GenzooError(f"{measured} was killed by signal {-int(code)}")
    if int(code):
        messages = done.stderr.strip().splitlines() or ["nothing"]
        raise GenzooError(f"{measured} failed: {messages[-1][:300]}")
    return Process(float(seconds), int(memory) * (1 if sys.platform == "darwin" else 1024))


def machine() -> str:
    """The processor and the number of cores, as a reader of speeds needs it."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else name}, {os.cpu_count()} cores"
